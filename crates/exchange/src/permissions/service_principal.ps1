# The application is the member.
$Member = Get-ServicePrincipal -Identity $AppId -ErrorAction SilentlyContinue
$Members = @(Get-RoleGroupMember $GroupName -ResultSize Unlimited | ForEach-Object { "$($_.Name)" })
if (-not $Member -or ($Members -notcontains "$($Member.Name)" -and $Members -notcontains "$($Member.ObjectId)")) {
    Add-RoleGroupMember $GroupName -Member $ObjectId -Confirm:$false -ErrorAction Stop
}
