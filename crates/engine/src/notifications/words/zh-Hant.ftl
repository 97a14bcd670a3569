# 訊息的內容。每種語言都有相同的訊息與參數，由測試確認。

device-new-subject = { $count ->
    [1] { $connector } 有新裝置：{ $name }
   *[other] { $connector } 有 { $count } 部新裝置
}
device-new-lead = { $connector } 出現了 { $count } 部先前未知的裝置。
device-new-item = { $name }，{ $model }，{ $os }，裝置識別碼 { $device }，目前{ $state ->
    [allowed] 已允許
    [blocked] 已封鎖
    [quarantined] 在隔離區
   *[other] 尚未決定
}
device-new-hint = 如果您早已知情，則無須處理。

device-quarantined-subject = { $count ->
    [1] { $connector } 隔離中：{ $name }
   *[other] { $connector } 有 { $count } 部裝置在隔離區
}
device-quarantined-lead = { $count } 部裝置在 { $connector } 的隔離區等候；有人決定之前，它們收不到郵件。
device-quarantined-item = { $name }，{ $model }，{ $os }，裝置識別碼 { $device }
device-quarantined-hint = 請在 Gatepost 中放行或封鎖。

action-name = { $action ->
    [allow] 允許
    [block] 封鎖
    [release] 放行
    [wipe-account] 清除帳戶
    [wipe-device] 清除整部裝置
    [cancel-wipe] 取消清除
    [forget] 移除配對
   *[other] { $action }
}
action-failed-subject = { $count ->
    [1] { $connector } 動作失敗：{ action-name } { $name }
   *[other] { $connector } 有 { $count } 個動作失敗
}
action-failed-lead = { $connector } 有 { $count } 個動作結束了，但沒有達到效果。
action-failed-item = { action-name } { $name }：{ $why }
action-failed-hint = 再次要求之前，請先在 Gatepost 中查看裝置。

approval-wanted-subject = { $count ->
    [1] 需要核准：{ $requester } 要求{ action-name }
   *[other] 有 { $count } 個要求等候核准
}
approval-wanted-lead = 有 { $count } 個要求被保留，等候第二個人核准。
approval-wanted-item = { $requester } 要求對 { $devices } 部裝置{ action-name }，原因：{ $reason }
approval-wanted-hint = 請在 Gatepost 中核准或拒絕。要求的人不能自己核准。

connector-trouble-subject = 連接器 { $connector } 發生問題
connector-trouble-lead = 連接器 { $connector } 已無法運作。郵件不受影響，但 Gatepost 所知的裝置狀態會逐漸過時。
connector-trouble-item = { $why }
connector-trouble-hint = 請在 Gatepost 中檢查連接器。

credential-expiring-subject = { $count ->
    [1] 即將到期：{ $what }
   *[other] 有 { $count } 個憑證即將到期
}
credential-expiring-lead = 有 { $count } 個存取憑證即將到期。
credential-expiring-item = { $what }：於 { $expires } 到期
credential-expiring-hint = 請及時更新；若無人需要，可任其到期。

wish-drifted-subject = { $count ->
   *[other] { $connector } 已與所訂內容不符：{ $count } 項差異
}
wish-drifted-lead = 有人在 Exchange 中變更了 Gatepost 為 { $connector } 維持的內容。
wish-drifted-item = { $why }
wish-drifted-hint = 請在 Gatepost 中檢視差異：重新套用所訂內容，或改訂為目前的狀態。

more = 還有 { $count } 個
footer = 您收到此訊息，是因為 Gatepost 的訂閱 { $subscription }。
test-subject = Gatepost 測試訊息
test-text = 此訊息用於測試通道 { $channel }。運作正常。
