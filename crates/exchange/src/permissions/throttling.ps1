
# 6. A throttling policy, so that a stricter default of the organization does not starve the account.
#    Gatepost opens three sessions at most; the others are for those that a crash left behind.
if (-not (Get-ThrottlingPolicy $ThrottlingPolicy -ErrorAction SilentlyContinue)) {
    New-ThrottlingPolicy -Name $ThrottlingPolicy -PowerShellMaxConcurrency 18 -ErrorAction Stop | Out-Null
}
Set-ThrottlingPolicyAssociation $Account -ThrottlingPolicy $ThrottlingPolicy -ErrorAction Stop
