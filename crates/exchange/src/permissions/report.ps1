
# What was granted, and what this Exchange does not have. A parameter that is not there makes one
# thing fall away, not everything: the check of the connector says which.
foreach ($Role in $Roles) {
    Get-ManagementRoleEntry "$Role\*" -ResultSize Unlimited | Format-List -Property 'Role', 'Name', 'Parameters'
}
foreach ($Part in @($Open.Keys | Sort-Object)) {
    Write-Warning "No built-in role of this Exchange holds: $Part"
}
