
# Parameters that PowerShell itself may send with every cmdlet.
$Common = @('Debug', 'ErrorAction', 'ErrorVariable', 'OutBuffer', 'OutVariable', 'Verbose',
    'WarningAction', 'WarningVariable')

# Exchange's cmdlets do not heed this, so whatever changes something says it again for itself.
$ErrorActionPreference = 'Stop'

# The role group must be one of Gatepost's own: whoever is its member has all of its roles.
foreach ($Assignment in @(Get-ManagementRoleAssignment -RoleAssignee $GroupName -ErrorAction SilentlyContinue)) {
    $Name = "$($Assignment.Role)" -replace '^.*[\\/]', ''
    if (-not $Name.StartsWith("$RoleName - ")) {
        throw "The role group $GroupName holds the role $Name as well. Choose another name for the role group."
    }
}

# 1. Ask this Exchange which built-in roles hold which of the cmdlets and parameters: it differs from
#    version to version. Roles of end users and roles that somebody made here are left out.
$Open = @{}
$Held = @{}
foreach ($Need in $Needed) {
    $Open[$Need.Cmdlet] = $true
    foreach ($Parameter in $Need.Parameters) { $Open["$($Need.Cmdlet) -$Parameter"] = $true }
    $Roles = @(Get-ManagementRole -Cmdlet $Need.Cmdlet -ErrorAction SilentlyContinue |
        Where-Object { $_.IsRootRole -and -not $_.IsEndUserRole -and "$($_.RoleType)" -ne 'UnScoped' })
    foreach ($Role in $Roles) {
        $Entry = Get-ManagementRoleEntry "$($Role.Name)\$($Need.Cmdlet)" -ErrorAction SilentlyContinue
        if (-not $Entry) { continue }
        if (-not $Held.ContainsKey("$($Role.Name)")) { $Held["$($Role.Name)"] = @() }
        $Held["$($Role.Name)"] += $Need.Cmdlet
        foreach ($Parameter in $Need.Parameters) {
            if (@($Entry.Parameters) -contains $Parameter) {
                $Held["$($Role.Name)"] += "$($Need.Cmdlet) -$Parameter"
            }
        }
    }
}

# 2. Choose as few of them as hold everything. Of roles that hold as much as each other the first of
#    the preferred ones is taken.
$Order = @($Preferred | Where-Object { $Held.ContainsKey($_) }) +
    @($Held.Keys | Where-Object { $Preferred -notcontains $_ } | Sort-Object)
$Chosen = @()
while ($true) {
    $Best = $null
    $Most = 0
    foreach ($Parent in $Order) {
        $Count = @($Held[$Parent] | Where-Object { $Open.ContainsKey($_) }).Count
        if ($Count -gt $Most) { $Best = $Parent; $Most = $Count }
    }
    if ($Most -eq 0) { break }
    $Keep = @{}
    foreach ($Need in $Needed) {
        $Mine = @($Need.Parameters | Where-Object {
            $Open.ContainsKey("$($Need.Cmdlet) -$_") -and $Held[$Best] -contains "$($Need.Cmdlet) -$_" })
        if ($Mine.Count -gt 0 -or ($Open.ContainsKey($Need.Cmdlet) -and $Held[$Best] -contains $Need.Cmdlet)) {
            $Keep[$Need.Cmdlet] = $Mine
        }
    }
    # What names an object goes with every part of a cmdlet, or the part could not be used.
    foreach ($Cmdlet in @($Keep.Keys)) {
        foreach ($Parameter in @('Identity', 'Confirm')) {
            if ($Held[$Best] -contains "$Cmdlet -$Parameter" -and $Keep[$Cmdlet] -notcontains $Parameter) {
                $Keep[$Cmdlet] += $Parameter
            }
        }
    }
    $Chosen += @{ Parent = $Best; Keep = $Keep }
    foreach ($Part in $Held[$Best]) { $Open.Remove($Part) }
}

# 3. Make a role of each, and take out of it whatever is not needed.
$Roles = @()
foreach ($Choice in $Chosen) {
    $Role = "$RoleName - $($Choice.Parent)"
    $Role = $Role.Substring(0, [Math]::Min(64, $Role.Length)).Trim()
    $Roles += $Role
    if (-not (Get-ManagementRole $Role -ErrorAction SilentlyContinue)) {
        New-ManagementRole -Name $Role -Parent $Choice.Parent `
            -Description 'What Gatepost needs, and nothing else.' -ErrorAction Stop | Out-Null
    }
    foreach ($Entry in @(Get-ManagementRoleEntry "$Role\*" -ResultSize Unlimited)) {
        if (-not $Choice.Keep.ContainsKey("$($Entry.Name)")) {
            Remove-ManagementRoleEntry "$Role\$($Entry.Name)" -Confirm:$false -ErrorAction Stop
        }
    }
    foreach ($Cmdlet in $Choice.Keep.Keys) {
        $There = (Get-ManagementRoleEntry "$($Choice.Parent)\$Cmdlet").Parameters
        $Parameters = @($Choice.Keep[$Cmdlet]) + @($There | Where-Object { $Common -contains $_ })
        if (-not (Get-ManagementRoleEntry "$Role\$Cmdlet" -ErrorAction SilentlyContinue)) {
            Add-ManagementRoleEntry "$Role\$Cmdlet" -Confirm:$false -ErrorAction Stop
        }
        if ($Parameters.Count -eq 0) { $Parameters = $null }
        Set-ManagementRoleEntry "$Role\$Cmdlet" -Parameters $Parameters -Confirm:$false -ErrorAction Stop
    }
}
if ($Roles.Count -eq 0) {
    throw 'No built-in role holds any of the cmdlets. Run this in the Exchange Management Shell as a member of Organization Management.'
}

# 4. The role group: exactly these roles, and the account as a member.
if (-not (Get-RoleGroup $GroupName -ErrorAction SilentlyContinue)) {
    New-RoleGroup -Name $GroupName -Roles $Roles -Description 'Accounts of Gatepost.' -ErrorAction Stop | Out-Null
}
foreach ($Assignment in @(Get-ManagementRoleAssignment -RoleAssignee $GroupName)) {
    $Name = "$($Assignment.Role)" -replace '^.*[\\/]', ''
    if ($Roles -notcontains $Name) {
        Remove-ManagementRoleAssignment "$($Assignment.Name)" -Confirm:$false -ErrorAction Stop
    }
}
foreach ($Role in $Roles) {
    if (-not (Get-ManagementRoleAssignment -Role $Role -RoleAssignee $GroupName -ErrorAction SilentlyContinue)) {
        New-ManagementRoleAssignment -Role $Role -SecurityGroup $GroupName -ErrorAction Stop | Out-Null
    }
}
