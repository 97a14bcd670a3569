# What messages say. Every language has the same messages with the same arguments; a test sees to it.

device-new-subject = { $count ->
    [one] New device on { $connector }: { $name }
   *[other] { $count } new devices on { $connector }
}
device-new-lead = { $count ->
    [one] A device that was not known has come to { $connector }.
   *[other] { $count } devices that were not known have come to { $connector }.
}
device-new-item = { $name }, { $model }, { $os }, device id { $device }, now { $state ->
    [allowed] allowed
    [blocked] blocked
    [quarantined] in quarantine
   *[other] not decided
}
device-new-hint = Nothing has to be done if you expected it.

device-quarantined-subject = { $count ->
    [one] In quarantine on { $connector }: { $name }
   *[other] { $count } devices in quarantine on { $connector }
}
device-quarantined-lead = { $count ->
    [one] A device waits in the quarantine of { $connector } and gets no mail until somebody decides.
   *[other] { $count } devices wait in the quarantine of { $connector } and get no mail until somebody decides.
}
device-quarantined-item = { $name }, { $model }, { $os }, device id { $device }
device-quarantined-hint = Release or block it in Gatepost.

action-name = { $action ->
    [allow] allow
    [block] block
    [release] release
    [wipe-account] wipe of the account
    [wipe-device] wipe of the whole device
    [cancel-wipe] cancelling of a wipe
    [forget] forget
   *[other] { $action }
}
action-failed-subject = { $count ->
    [one] Failed on { $connector }: { action-name }, { $name }
   *[other] { $count } actions failed on { $connector }
}
action-failed-lead = { $count ->
    [one] An action on { $connector } ended without its effect.
   *[other] { $count } actions on { $connector } ended without their effect.
}
action-failed-item = { action-name }, { $name }: { $why }
action-failed-hint = Look at the device in Gatepost before you ask again.

approval-wanted-subject = { $count ->
    [one] Approval wanted: { $requester } asks for { action-name }
   *[other] { $count } requests wait for approval
}
approval-wanted-lead = { $count ->
    [one] A request is held until a second person approves it.
   *[other] { $count } requests are held until a second person approves them.
}
approval-wanted-item = { $requester } asks for { action-name }, { $devices ->
    [one] one device
   *[other] { $devices } devices
}, because: { $reason }
approval-wanted-hint = Approve or refuse it in Gatepost. Who asked cannot approve.

connector-trouble-subject = Trouble with the connector { $connector }
connector-trouble-lead = The connector { $connector } does not work any more. Mail goes on; what Gatepost knows of the devices gets old.
connector-trouble-item = { $why }
connector-trouble-hint = Check the connector in Gatepost.

credential-expiring-subject = { $count ->
    [one] Ends soon: { $what }
   *[other] { $count } credentials end soon
}
credential-expiring-lead = { $count ->
    [one] Something that gives access ends soon.
   *[other] { $count } things that give access end soon.
}
credential-expiring-item = { $what }: ends { $expires }
credential-expiring-hint = Renew it in time, or let it end if nobody needs it.

wish-drifted-subject = { $count ->
    [one] { $connector } is not as it was written down
   *[other] { $connector } is not as it was written down: { $count } differences
}
wish-drifted-lead = Somebody changed in Exchange what Gatepost holds { $connector } to.
wish-drifted-item = { $why }
wish-drifted-hint = Look at the drift in Gatepost: apply what is written again, or write down what is there.

more = { $count ->
    [one] and one more
   *[other] and { $count } more
}
footer = You get this because of the subscription { $subscription } of Gatepost.
test-subject = Test message from Gatepost
test-text = This message was sent to try the channel { $channel }. It works.
