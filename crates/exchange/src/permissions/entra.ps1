
$ErrorActionPreference = 'Stop'

# 1. Entra ID: the application may speak to Exchange Online as itself (Exchange.ManageAsApp). This alone
#    lets it read and change nothing.
Connect-MgGraph -Environment $GraphEnvironment -TenantId $Tenant -NoWelcome `
    -Scopes 'Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All'
$Application = Get-MgServicePrincipal -Filter "appId eq '$AppId'"
if (-not $Application) { $Application = New-MgServicePrincipal -AppId $AppId }
$Exchange = Get-MgServicePrincipal -Filter "appId eq '$ExchangeAppId'"
$Granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Application.Id -All |
    Where-Object { "$($_.AppRoleId)" -eq $ManageAsApp })
if ($Granted.Count -eq 0) {
    New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Application.Id `
        -PrincipalId $Application.Id -ResourceId $Exchange.Id -AppRoleId $ManageAsApp | Out-Null
}
$ObjectId = "$($Application.Id)"

# 2. Exchange Online: the application is made known, and roles of one's own are made possible.
Connect-ExchangeOnline -ExchangeEnvironmentName $ExchangeEnvironment -ShowBanner:$false
if ((Get-OrganizationConfig).IsDehydrated) { Enable-OrganizationCustomization }
if (-not (Get-ServicePrincipal -Identity $AppId -ErrorAction SilentlyContinue)) {
    New-ServicePrincipal -AppId $AppId -ObjectId $ObjectId -DisplayName 'Gatepost' | Out-Null
}

# 3. In Exchange Online: a role group that may do what is listed above, and nothing else.
