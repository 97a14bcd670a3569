$User = Get-User $Account -ErrorAction SilentlyContinue
$Members = @(Get-RoleGroupMember $GroupName -ResultSize Unlimited | ForEach-Object { "$($_.DistinguishedName)" })
if (-not $User -or $Members -notcontains "$($User.DistinguishedName)") {
    try { Add-RoleGroupMember $GroupName -Member $Account -Confirm:$false -ErrorAction Stop }
    catch {
        # Of an account that is no user nobody can say beforehand whether it is a member.
        if ($User) { throw }
        Write-Warning "$Account was not added to $GroupName. That is well if it is a member already: $_"
    }
}

# 5. Remote PowerShell, without which nobody can sign in.
if ($User) { Set-User "$($User.DistinguishedName)" -RemotePowerShellEnabled $true -Confirm:$false -ErrorAction Stop }
else { Write-Warning "$Account is no user. If it is a computer account that is well; otherwise check the name." }
