# Was Nachrichten sagen. Jede Sprache hat dieselben Nachrichten mit denselben Angaben; ein Test sieht nach.

device-new-subject = { $count ->
    [one] Neues Gerät an { $connector }: { $name }
   *[other] { $count } neue Geräte an { $connector }
}
device-new-lead = { $count ->
    [one] An { $connector } ist ein Gerät aufgetaucht, das bisher nicht bekannt war.
   *[other] An { $connector } sind { $count } Geräte aufgetaucht, die bisher nicht bekannt waren.
}
device-new-item = { $name }, { $model }, { $os }, Geräte-ID { $device }, jetzt { $state ->
    [allowed] zugelassen
    [blocked] gesperrt
    [quarantined] in Quarantäne
   *[other] noch nicht entschieden
}
device-new-hint = Wenn Sie damit gerechnet haben, ist nichts zu tun.

device-quarantined-subject = { $count ->
    [one] In Quarantäne an { $connector }: { $name }
   *[other] { $count } Geräte in Quarantäne an { $connector }
}
device-quarantined-lead = { $count ->
    [one] Ein Gerät wartet in der Quarantäne von { $connector } und bekommt keine Mail, bis jemand entscheidet.
   *[other] { $count } Geräte warten in der Quarantäne von { $connector } und bekommen keine Mail, bis jemand entscheidet.
}
device-quarantined-item = { $name }, { $model }, { $os }, Geräte-ID { $device }
device-quarantined-hint = Geben Sie es in Gatepost frei, oder sperren Sie es.

action-name = { $action ->
    [allow] Zulassen
    [block] Sperren
    [release] Freigeben
    [wipe-account] Löschen des Kontos
    [wipe-device] Löschen des ganzen Geräts
    [cancel-wipe] Zurücknehmen des Löschens
    [forget] Vergessen
   *[other] { $action }
}
action-failed-subject = { $count ->
    [one] Fehlgeschlagen an { $connector }: { action-name } von { $name }
   *[other] { $count } Aktionen an { $connector } fehlgeschlagen
}
action-failed-lead = { $count ->
    [one] Eine Aktion an { $connector } ist ohne Wirkung zu Ende gegangen.
   *[other] { $count } Aktionen an { $connector } sind ohne Wirkung zu Ende gegangen.
}
action-failed-item = { action-name } von { $name }: { $why }
action-failed-hint = Sehen Sie sich das Gerät in Gatepost an, bevor Sie es noch einmal versuchen.

approval-wanted-subject = { $count ->
    [one] Zustimmung erbeten: { action-name }, gewünscht von { $requester }
   *[other] { $count } Aufträge warten auf Zustimmung
}
approval-wanted-lead = { $count ->
    [one] Ein Auftrag wartet, bis eine zweite Person zustimmt.
   *[other] { $count } Aufträge warten, bis eine zweite Person zustimmt.
}
approval-wanted-item = { action-name } bei { $devices ->
    [one] einem Gerät
   *[other] { $devices } Geräten
}, gewünscht von { $requester }. Grund: { $reason }
approval-wanted-hint = Stimmen Sie in Gatepost zu, oder lehnen Sie ab. Wer etwas gewünscht hat, kann nicht selbst zustimmen.

connector-trouble-subject = Störung am Konnektor { $connector }
connector-trouble-lead = Der Konnektor { $connector } arbeitet nicht mehr. Die Mail läuft weiter; was Gatepost über die Geräte weiß, veraltet.
connector-trouble-item = { $why }
connector-trouble-hint = Prüfen Sie den Konnektor in Gatepost.

credential-expiring-subject = { $count ->
    [one] Läuft bald ab: { $what }
   *[other] { $count } Zugänge laufen bald ab
}
credential-expiring-lead = { $count ->
    [one] Etwas, das Zugang gibt, läuft bald ab.
   *[other] { $count } Dinge, die Zugang geben, laufen bald ab.
}
credential-expiring-item = { $what }: bis { $expires }
credential-expiring-hint = Erneuern Sie es rechtzeitig, oder lassen Sie es ablaufen, wenn niemand es braucht.

wish-drifted-subject = { $count ->
    [one] { $connector } ist nicht mehr, wie es festgelegt wurde
   *[other] { $connector } ist nicht mehr, wie es festgelegt wurde: { $count } Abweichungen
}
wish-drifted-lead = In Exchange wurde geändert, worauf Gatepost { $connector } hält.
wish-drifted-item = { $why }
wish-drifted-hint = Sehen Sie sich die Abweichung in Gatepost an: Wenden Sie das Festgelegte erneut an, oder legen Sie fest, was jetzt gilt.

more = { $count ->
    [one] und eines mehr
   *[other] und { $count } weitere
}
footer = Sie bekommen dies wegen des Abonnements { $subscription } von Gatepost.
test-subject = Testnachricht von Gatepost
test-text = Diese Nachricht wurde gesendet, um den Kanal { $channel } zu prüfen. Er arbeitet.
