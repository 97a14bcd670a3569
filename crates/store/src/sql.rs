//! Every statement, in the common subset of both databases.
//!
//! Parameters are `?1`, `?2`, … (`$1`, … in PostgreSQL). Two marks mean something to PostgreSQL
//! alone, where several processes may write: `/*skip locked*/` takes a row that nobody else is
//! taking, `/*hold*/` keeps a row from being removed until the transaction ends. Lists of devices
//! are the one dynamic part: `filter` makes them.

use std::sync::LazyLock;

use crate::database::{Bulk, ColumnType};

macro_rules! statements {
    ($($name:ident = $text:expr;)+) => {
        $(pub(crate) const $name: &str = $text;)+

        /// All constants by name, for the test that prepares each on both databases.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

statements! {
    META = "SELECT value FROM meta WHERE name = ?1";
    SET_META = "INSERT INTO meta (name, value) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    ADD_CONNECTOR = "INSERT INTO connector (id, name, endpoint, organization_key,
        organization_name, state, trouble, created, last_full_sync, last_delta_sync, options, paused,
        next_install)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    CHANGE_CONNECTOR = "UPDATE connector SET endpoint = ?2, options = ?3, last_check = NULL
        WHERE id = ?1";
    SET_LAST_CHECK = "UPDATE connector SET last_check = ?2 WHERE id = ?1";
    LAST_CHECK = "SELECT last_check FROM connector WHERE id = ?1";
    ADD_SECRET = "INSERT INTO connector_secret (connector, sealed) VALUES (?1, ?2)
        ON CONFLICT (connector) DO UPDATE SET sealed = excluded.sealed";
    SECRET = "SELECT sealed FROM connector_secret WHERE connector = ?1";
    SEALED_OF_CONNECTORS = "SELECT connector, sealed FROM connector_secret WHERE connector > ?1
        ORDER BY connector LIMIT ?2";
    RESEAL_CONNECTOR = "UPDATE connector_secret SET sealed = ?3 WHERE connector = ?1 AND sealed = ?2";
    SEALED_OF_CHANNELS = "SELECT id, sealed FROM channel WHERE id > ?1 AND sealed IS NOT NULL
        ORDER BY id LIMIT ?2";
    SEALED_OF_IDENTITY_PROVIDERS = "SELECT id, sealed FROM identity_provider
        WHERE id > ?1 AND sealed IS NOT NULL ORDER BY id LIMIT ?2";
    RESEAL_IDENTITY_PROVIDER = "UPDATE identity_provider SET sealed = ?3
        WHERE id = ?1 AND sealed = ?2";
    RESEAL_CHANNEL = "UPDATE channel SET sealed = ?3 WHERE id = ?1 AND sealed = ?2";
    SEALED_OF_TOTP = "SELECT person AS id, sealed FROM totp WHERE person > ?1
        ORDER BY person LIMIT ?2";
    RESEAL_TOTP = "UPDATE totp SET sealed = ?3 WHERE person = ?1 AND sealed = ?2";
    CONNECTORS = "SELECT id, name, endpoint, options, organization_key, organization_name, state,
        trouble, created, last_full_sync, last_delta_sync, paused, next_install FROM connector
        ORDER BY name";
    CONNECTOR_FACTS = "SELECT id, name, last_full_sync FROM connector";
    CONNECTOR_BY_NAME = "SELECT id, name, endpoint, options, organization_key, organization_name,
        state, trouble, created, last_full_sync, last_delta_sync, paused, next_install
        FROM connector WHERE name = ?1";
    SET_CONNECTOR_STATE = "UPDATE connector SET state = ?2, trouble = ?3 WHERE id = ?1";
    SET_NEXT_INSTALL = "UPDATE connector SET next_install = ?2 WHERE id = ?1";
    SET_PAUSED = "UPDATE connector SET paused = ?2 WHERE id = ?1";
    SET_CHECKPOINT = "UPDATE connector SET checkpoint = ?2 WHERE id = ?1";
    CHECKPOINT = "SELECT checkpoint FROM connector WHERE id = ?1";
    ADD_SEEN = "INSERT INTO seen (connector, guids) VALUES (?1, ?2)";
    SEEN = "SELECT guids FROM seen WHERE connector = ?1 ORDER BY sequence";
    ADD_SHELL = "INSERT INTO shell (connector, id, url) VALUES (?1, ?2, ?3)
        ON CONFLICT (connector, id) DO NOTHING";
    REMOVE_SHELL = "DELETE FROM shell WHERE connector = ?1 AND id = ?2";
    REMOVE_SHELLS = "DELETE FROM shell WHERE connector = ?1";
    SHELLS = "SELECT connector, id, url FROM shell";
    FORGET_SEEN = "DELETE FROM seen WHERE connector = ?1";
    RELEASE_ORGANIZATION = "UPDATE connector SET organization_key = NULL WHERE id = ?1";
    SET_ORGANIZATION = "UPDATE connector SET organization_key = ?2, organization_name = ?3
        WHERE id = ?1 AND (organization_key IS NULL OR organization_key = ?4)";
    RENAME_ORGANIZATION = "UPDATE connector SET organization_name = ?3
        WHERE id = ?1 AND organization_key = ?2";
    HOLD_CONNECTOR = "SELECT id FROM connector WHERE id = ?1 /*hold*/";
    REMOVE_SECRET = "DELETE FROM connector_secret WHERE connector = ?1";
    REMOVE_PASSES = "DELETE FROM pass WHERE connector = ?1";
    REMOVE_JOBS = "DELETE FROM job WHERE connector = ?1";
    REMOVE_SERVERS = "DELETE FROM server WHERE connector = ?1";
    REMOVE_ENDPOINTS = "DELETE FROM endpoint WHERE connector = ?1";
    REMOVE_STATUS_MESSAGES = "DELETE FROM status_message WHERE connector = ?1";
    REMOVE_MAILBOXES = "DELETE FROM mailbox WHERE connector = ?1";
    REMOVE_DEVICES = "DELETE FROM device WHERE connector = ?1";
    REMOVE_PLAN_STEPS = "DELETE FROM plan_step
        WHERE plan IN (SELECT p.id FROM plan p WHERE p.connector = ?1)";
    REMOVE_PLANS = "DELETE FROM plan WHERE connector = ?1";
    REMOVE_WISHES = "DELETE FROM wish WHERE connector = ?1";
    REMOVE_OBSERVED = "DELETE FROM observed WHERE connector = ?1";
    REMOVE_DRIFT = "DELETE FROM drift WHERE connector = ?1";
    REMOVE_CONNECTOR = "DELETE FROM connector WHERE id = ?1";
    REMOVE_SOME_DEVICES = "DELETE FROM device WHERE sequence IN
        (SELECT sequence FROM device WHERE connector = ?1 LIMIT ?2)";

    BEGIN_PASS = "INSERT INTO pass (id, connector, kind, started, finished, outcome, devices, added,
        changed, gone, poisoned, mailboxes, statistics, skipped, cmdlets, delayed_ms,
        sessions_lost, endpoint)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    UPDATE_PASS = "UPDATE pass SET finished = ?2, outcome = ?3, devices = ?4, added = ?5,
        changed = ?6, gone = ?7, poisoned = ?8, mailboxes = ?9, statistics = ?10, skipped = ?11,
        cmdlets = ?12, delayed_ms = ?13, sessions_lost = ?14, endpoint = ?15 WHERE id = ?1";
    CONFIRM_DEVICES = "UPDATE connector SET last_full_sync = ?2
        WHERE id = ?1 AND (last_full_sync IS NULL OR last_full_sync < ?2)";
    CONFIRM_CHANGES = "UPDATE connector SET last_delta_sync = ?2
        WHERE id = ?1 AND (last_delta_sync IS NULL OR last_delta_sync < ?2)";
    PASSES = "SELECT id, connector, kind, started, finished, outcome, devices, added,
        changed, gone, poisoned, mailboxes, statistics, skipped, cmdlets, delayed_ms,
        sessions_lost, endpoint FROM pass WHERE connector = ?1
        ORDER BY started DESC, id DESC LIMIT ?2";
    PASSES_OF = "SELECT id, connector, kind, started, finished, outcome, devices, added,
        changed, gone, poisoned, mailboxes, statistics, skipped, cmdlets, delayed_ms,
        sessions_lost, endpoint FROM pass WHERE connector = ?1 AND kind = ?2
        ORDER BY started DESC, id DESC LIMIT ?3";
    FORGET_PASSES = "DELETE FROM pass WHERE finished < ?1";
    FORGET_JOBS = "DELETE FROM job WHERE finished < ?1 AND state IN ('done', 'failed')";
    UNFINISHED_PASSES = "SELECT id, connector, kind, started, finished, outcome, devices, added,
        changed, gone, poisoned, mailboxes, statistics, skipped, cmdlets, delayed_ms,
        sessions_lost, endpoint FROM pass WHERE finished IS NULL
        ORDER BY started, id";

    ADD_JOB = "INSERT INTO job (id, connector, kind, state, done, created)
        VALUES (?1, ?2, ?3, 'waiting', 0, ?4)
        ON CONFLICT (connector, kind) WHERE state IN ('waiting', 'running') DO NOTHING";
    OPEN_JOB = "SELECT id FROM job
        WHERE connector = ?1 AND kind = ?2 AND state IN ('waiting', 'running')";
    CLAIM_JOB = "UPDATE job SET state = 'running', started = ?1, step = NULL, done = 0,
        expected = NULL WHERE id = (SELECT id FROM job WHERE state = 'waiting'
            AND connector NOT IN (SELECT connector FROM job WHERE state = 'running')
            ORDER BY created, id LIMIT 1 /*skip locked*/)
        RETURNING id, connector, kind, state, step, done, expected, outcome, created, started,
        finished";
    UPDATE_JOB = "UPDATE job SET step = ?2, done = ?3, expected = ?4
        WHERE id = ?1 AND state = 'running'";
    FINISH_JOB = "UPDATE job SET state = ?2, outcome = ?3, finished = ?4
        WHERE id = ?1 AND state IN ('waiting', 'running')";
    REQUEUE_JOBS = "UPDATE job SET state = 'waiting', started = NULL WHERE state = 'running'";
    JOB = "SELECT id, connector, kind, state, step, done, expected, outcome, created, started,
        finished FROM job WHERE id = ?1";
    JOBS = "SELECT id, connector, kind, state, step, done, expected, outcome, created, started,
        finished FROM job ORDER BY created DESC, id DESC LIMIT ?1";

    ADD_REQUEST = "INSERT INTO request (id, kind, person, person_name, source, reason, ticket, query,
        asked, repeat_key, devices, hold, expires)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    ADD_ACTION = "INSERT INTO action (id, request, connector, device, guid, device_id, owner_dn,
        name, kind, person, state, batch, due, note, changed, attempts)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 0)";
    REQUEST = "SELECT id, kind, person, person_name, source, reason, ticket, query, asked,
        repeat_key, devices, hold, expires, decision, decided_by, decided_name, decided
        FROM request WHERE id = ?1";
    REPEATED_REQUEST = "SELECT id, kind, person, person_name, source, reason, ticket, query, asked,
        repeat_key, devices, hold, expires, decision, decided_by, decided_name, decided
        FROM request WHERE person = ?1 AND repeat_key = ?2";
    REQUESTS = "SELECT id, kind, person, person_name, source, reason, ticket, query, asked,
        repeat_key, devices, hold, expires, decision, decided_by, decided_name, decided
        FROM request ORDER BY asked DESC, id DESC LIMIT ?1";
    HELD_REQUESTS = "SELECT id, kind, person, person_name, source, reason, ticket, query, asked,
        repeat_key, devices, hold, expires, decision, decided_by, decided_name, decided
        FROM request WHERE hold IS NOT NULL AND decision IS NULL ORDER BY asked, id LIMIT ?1";
    UNSENT_REQUESTS = "SELECT id, kind, person, person_name, source, reason, ticket, query, asked,
        repeat_key, devices, hold, expires, decision, decided_by, decided_name, decided
        FROM request WHERE id IN (SELECT request FROM action WHERE state IN ('asked', 'approved'))
        ORDER BY asked, id LIMIT ?1";
    TRIES_OF_REQUEST = "SELECT
        count(CASE WHEN state = 'failed' AND intended IS NOT NULL THEN 1 END) AS failed,
        count(CASE WHEN state IN ('sent', 'fetched', 'acknowledged', 'confirmed', 'unverifiable')
            THEN 1 END) AS taken
        FROM action WHERE request = ?1";
    ACCESS_CHANGES = "SELECT at, was, state, reason FROM access_change WHERE device = ?1
        ORDER BY sequence DESC LIMIT ?2";
    CONNECTORS_OF_REQUEST = "SELECT DISTINCT connector FROM action WHERE request = ?1";
    COUNTS_OF_REQUEST = "SELECT state, count(*) FROM action WHERE request = ?1 GROUP BY state
        ORDER BY state";
    ACTIONS_OF_REQUEST = "SELECT id, request, connector, device, guid, device_id, owner_dn, name, kind, person,
        state, batch, due, attempts, baseline, intended, seen, answer, note, changed FROM action
        WHERE request = ?1 ORDER BY sequence LIMIT ?2 OFFSET ?3";
    ACTIONS_OF_DEVICE = "SELECT id, request, connector, device, guid, device_id, owner_dn, name, kind, person,
        state, batch, due, attempts, baseline, intended, seen, answer, note, changed FROM action
        WHERE device = ?1 ORDER BY sequence DESC LIMIT ?2";
    FAILED_ACTIONS = "SELECT id, request, connector, device, guid, device_id, owner_dn, name, kind, person,
        state, batch, due, attempts, baseline, intended, seen, answer, note, changed FROM action
        WHERE state = 'failed' AND changed >= ?1 ORDER BY changed DESC LIMIT ?2";
    ACTION = "SELECT id, request, connector, device, guid, device_id, owner_dn, name, kind, person,
        state, batch, due, attempts, baseline, intended, seen, answer, note, changed FROM action WHERE id = ?1";
    OPEN_ACTIONS = "SELECT id, request, connector, device, guid, device_id, owner_dn, name, kind, person,
        state, batch, due, attempts, baseline, intended, seen, answer, note, changed FROM open_action
        WHERE connector = ?1 AND due <= ?2 ORDER BY due, sequence LIMIT ?3";
    UNVERIFIABLE_WIPES = "SELECT id, request, connector, device, guid, device_id, owner_dn, name, kind,
        person, state, batch, due, attempts, baseline, intended, seen, answer, note, changed FROM action
        WHERE connector = ?1 AND state = 'unverifiable' AND kind IN ('wipe-account', 'wipe-device')
        AND intended >= ?2 ORDER BY intended DESC, id LIMIT ?3";
    CONNECTORS_WITH_ACTIONS = "SELECT connector, min(due) FROM open_action GROUP BY connector";
    CHANGE_ACTION = "UPDATE action SET state = ?3, due = ?4, attempts = ?5, baseline = ?6,
        intended = ?7, seen = ?8, answer = ?9, note = ?10, changed = ?11
        WHERE id = ?1 AND state = ?2";
    HOLD_REQUEST = "UPDATE request SET hold = ?2, expires = ?3
        WHERE id = ?1 AND decision IS NULL AND hold IS NULL";
    DECIDE_REQUEST = "UPDATE request SET decision = ?2, decided_by = ?3, decided_name = ?4,
        decided = ?5 WHERE id = ?1 AND (decision IS NULL OR (decision = 'approved' AND ?2 = 'cancelled'))";
    CANCEL_UNSENT = "UPDATE action SET state = 'cancelled', note = ?2, changed = ?3
        WHERE request = ?1 AND state IN ('asked', 'approved')";
    RECENT_WIPES = "SELECT count(CASE WHEN person = ?1 AND intended > ?2 THEN 1 END) AS by_person,
        count(CASE WHEN connector = ?3 AND intended > ?4 THEN 1 END) AS of_organization
        FROM action WHERE kind IN ('wipe-account', 'wipe-device') AND intended IS NOT NULL
        AND intended > CASE WHEN ?2 < ?4 THEN ?2 ELSE ?4 END";
    WAITING_WIPES = "SELECT count(CASE WHEN a.person = ?1 THEN 1 END) AS by_person,
        count(CASE WHEN a.connector = ?2 THEN 1 END) AS of_organization
        FROM action a JOIN request r ON r.id = a.request
        WHERE a.kind IN ('wipe-account', 'wipe-device') AND a.state IN ('asked', 'approved')
        AND a.intended IS NULL AND (r.hold IS NULL OR r.decision = 'approved')";
    AUDIT_OF_TARGET = "SELECT sequence, hash, at, event, actor, target, document FROM audit
        WHERE target = ?1 ORDER BY sequence DESC LIMIT ?2";
    ADD_AUDIT = "INSERT INTO audit (sequence, at, event, actor, target, document, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    AUDIT_HEAD = "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1";
    AUDIT = "SELECT sequence, hash, at, event, actor, target, document FROM audit
        WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
    AUDIT_BEFORE = "SELECT max(sequence) AS sequence FROM audit WHERE sequence <
        coalesce((SELECT min(sequence) FROM audit WHERE at >= ?1), 9223372036854775807)";
    AUDIT_FROM = "SELECT sequence FROM audit WHERE at >= ?1 ORDER BY at, sequence LIMIT 1";
    AUDIT_UNTIL = "SELECT sequence FROM audit WHERE at < ?1 ORDER BY at DESC, sequence DESC LIMIT 1";
    REMOVE_AUDIT = "DELETE FROM audit WHERE sequence IN
        (SELECT sequence FROM audit WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)";
    ADD_AUDIT_CHECKPOINT = "INSERT INTO audit_checkpoint (sequence, hash, at, signer, signature)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    AUDIT_CHECKPOINTS = "SELECT sequence, hash, at, signer, signature FROM audit_checkpoint
        WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
    LAST_AUDIT_CHECKPOINT = "SELECT sequence, hash, at, signer, signature FROM audit_checkpoint
        ORDER BY sequence DESC LIMIT 1";
    AUDIT_SIGNERS = "SELECT DISTINCT signer FROM audit_checkpoint";
    ADD_AUDIT_SEGMENT = "INSERT INTO audit_segment (last_entry, first_entry, previous, hash, at,
        closed_by, file, signer, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    AUDIT_SEGMENTS = "SELECT last_entry, first_entry, previous, hash, at, closed_by, file, signer,
        signature FROM audit_segment ORDER BY last_entry";
    SET_AUDIT_STREAM = "INSERT INTO audit_stream (name, configuration, position)
        VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET
        configuration = excluded.configuration, trouble = NULL, troubled_since = NULL";
    REMOVE_AUDIT_STREAM = "DELETE FROM audit_stream WHERE name = ?1";
    AUDIT_STREAM = "SELECT configuration, position, trouble, troubled_since, last_sent
        FROM audit_stream WHERE name = ?1";
    AUDIT_STREAMED = "UPDATE audit_stream SET position = ?2, last_sent = ?3, trouble = NULL,
        troubled_since = NULL WHERE name = ?1 AND position < ?2 AND configuration = ?4";
    AUDIT_STREAM_TROUBLED = "UPDATE audit_stream SET trouble = ?2,
        troubled_since = coalesce(troubled_since, ?3) WHERE name = ?1";

    ADD_NEWS = "INSERT INTO news (at, topic, connector, device, document)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    WAITING_NEWS = "SELECT topic, connector, min(at), count(*) FROM news WHERE message IS NULL
        GROUP BY topic, connector ORDER BY min(sequence)";
    CLAIM_NEWS = "UPDATE news SET message = ?1 WHERE message IS NULL AND topic = ?2
        AND connector = ?3 AND at < ?4";
    UNTOLD_MESSAGES = "SELECT DISTINCT message FROM news WHERE message IS NOT NULL
        ORDER BY message LIMIT 100";
    NEWS_OF = "SELECT sequence, at, topic, connector, device, document FROM news
        WHERE message = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
    FORGET_NEWS = "DELETE FROM news WHERE message = ?1";

    ADD_CHANNEL = "INSERT INTO channel (id, name, settings, sealed, trouble, enabled, created)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    CHANGE_CHANNEL = "UPDATE channel SET settings = ?2, sealed = ?3, trouble = ?4, enabled = ?5
        WHERE id = ?1";
    DISABLE_CHANNEL = "UPDATE channel SET enabled = ?2, trouble = ?3 WHERE id = ?1";
    ADD_PLAN = "INSERT INTO plan (id, connector, origin, state, text, document, person,
            person_name, source, revision, made, changed, note)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    CHANGE_PLAN = "UPDATE plan SET state = ?3, document = ?4, changed = ?5, note = ?6
        WHERE id = ?1 AND state = ?2";
    PLAN = "SELECT id, connector, origin, state, text, document, person, person_name, source,
            revision, made, changed, note FROM plan WHERE id = ?1";
    PLANS = "SELECT id, connector, origin, state, text, document, person, person_name, source,
            revision, made, changed, note FROM plan WHERE connector = ?1
        ORDER BY made DESC, id DESC LIMIT ?2";
    PLANS_UNDER_WAY = "SELECT id, connector, origin, state, text, document, person, person_name,
            source, revision, made, changed, note FROM plan
        WHERE state IN ('reading', 'applying') ORDER BY made, id";
    PLAN_STEPS = "SELECT plan, position, state, document, note, changed FROM plan_step
        WHERE plan = ?1 ORDER BY position";
    STEPS_OF_CONNECTOR = "SELECT s.plan, s.position, s.state, s.document, s.note, s.changed
        FROM plan_step s JOIN plan p ON p.id = s.plan
        WHERE p.connector = ?1 ORDER BY p.made, p.id, s.position";
    WRITE_PLAN_STEP = "INSERT INTO plan_step (plan, position, state, document, note, changed)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (plan, position) DO UPDATE SET state = excluded.state,
            document = excluded.document, note = excluded.note, changed = excluded.changed";
    WISHES = "SELECT revision, text, origin, plan, person, person_name, kept FROM wish
        WHERE connector = ?1 ORDER BY revision DESC LIMIT ?2";
    ADD_WISH = "INSERT INTO wish (connector, revision, text, origin, plan, person, person_name,
            kept)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    CARE = "SELECT thing FROM care WHERE connector = ?1 ORDER BY thing";
    FORGET_CARE = "DELETE FROM care WHERE connector = ?1";
    ADD_CARE = "INSERT INTO care (connector, thing) VALUES (?1, ?2)
        ON CONFLICT (connector, thing) DO NOTHING";
    DEVICE_GROUPS = "SELECT device_type, model, os, user_agent, access_state, access_reason,
            COUNT(*), COUNT(DISTINCT owner_dn) FROM device
        WHERE connector = ?1 AND gone_since IS NULL
        GROUP BY device_type, model, os, user_agent, access_state, access_reason";
    ACCESS_ROWS = "SELECT device_type, model, os, user_agent, access_state, access_reason, 1, 1,
            device_id, owner_dn, last_success_sync FROM device
        WHERE connector = ?1 AND gone_since IS NULL";
    OBSERVED = "SELECT at, document FROM observed WHERE connector = ?1";
    SET_OBSERVED = "INSERT INTO observed (connector, at, document) VALUES (?1, ?2, ?3)
        ON CONFLICT (connector) DO UPDATE SET at = excluded.at, document = excluded.document";
    DRIFT = "SELECT checked, document FROM drift WHERE connector = ?1";
    SET_DRIFT = "INSERT INTO drift (connector, checked, document) VALUES (?1, ?2, ?3)
        ON CONFLICT (connector) DO UPDATE SET checked = excluded.checked,
            document = excluded.document";
    REMOVE_CHANNEL = "DELETE FROM channel WHERE id = ?1";
    CHANNELS = "SELECT id, name, settings, trouble, enabled, created FROM channel ORDER BY name";
    CHANNEL_SECRET = "SELECT sealed FROM channel WHERE id = ?1";

    ADD_SUBSCRIPTION = "INSERT INTO subscription (id, name, channel, settings, created)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    CHANGE_SUBSCRIPTION = "UPDATE subscription SET channel = ?2, settings = ?3 WHERE id = ?1";
    REMOVE_SUBSCRIPTION = "DELETE FROM subscription WHERE id = ?1";
    SUBSCRIPTIONS = "SELECT id, name, channel, settings, created FROM subscription ORDER BY name";

    SET_TEMPLATE = "INSERT INTO notification_template (topic, language, subject, body)
        VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (topic, language) DO UPDATE SET subject = excluded.subject,
        body = excluded.body";
    REMOVE_TEMPLATE = "DELETE FROM notification_template WHERE topic = ?1 AND language = ?2";
    TEMPLATES = "SELECT topic, language, subject, body FROM notification_template
        ORDER BY topic, language";

    ADD_DELIVERY = "INSERT INTO delivery (id, channel, channel_name, subscription_name, topic,
        recipient, language, document, state, created, next_attempt, give_up, attempts)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', ?9, ?9, ?10, 0)
        ON CONFLICT (id) DO NOTHING";
    CLAIM_DELIVERY = "UPDATE delivery SET claimed_until = ?2, attempts = attempts + 1
        WHERE id = (SELECT id FROM delivery WHERE state = 'waiting' AND next_attempt <= ?1
            AND channel NOT IN (SELECT channel FROM delivery
                WHERE state = 'waiting' AND claimed_until > ?1)
            ORDER BY next_attempt, id LIMIT 1 /*skip locked*/)
        RETURNING id, channel, channel_name, subscription_name, topic, recipient, language,
        document, state, created, next_attempt, attempts, outcome, give_up";
    NEXT_DELIVERY = "SELECT min(CASE WHEN busy.taken > d.next_attempt THEN busy.taken
        ELSE d.next_attempt END) FROM delivery d LEFT JOIN (SELECT channel,
            max(claimed_until) AS taken FROM delivery WHERE state = 'waiting' GROUP BY channel) busy
        ON busy.channel = d.channel WHERE d.state = 'waiting'";
    ADD_ATTEMPT = "INSERT INTO delivery_attempt (delivery, number, at, duration_ms, succeeded,
        answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (delivery, number) DO NOTHING";
    NOTE_DELIVERY = "UPDATE delivery SET state = ?3, next_attempt = ?4, outcome = ?5,
        claimed_until = NULL WHERE id = ?1 AND attempts = ?2 AND state = 'waiting'";
    REPLAY_DELIVERY = "UPDATE delivery SET state = 'waiting', next_attempt = ?2, give_up = ?3,
        claimed_until = NULL WHERE id = ?1 AND state <> 'waiting'";
    DELIVERY = "SELECT id, channel, channel_name, subscription_name, topic, recipient, language,
        document, state, created, next_attempt, attempts, outcome, give_up FROM delivery
        WHERE id = ?1";
    DELIVERIES = "SELECT id, channel, channel_name, subscription_name, topic, recipient, language,
        document, state, created, next_attempt, attempts, outcome, give_up FROM delivery
        WHERE (?1 = '' OR state = ?1) AND (created < ?2 OR (created = ?2 AND id < ?3))
        ORDER BY created DESC, id DESC LIMIT ?4";
    ATTEMPTS = "SELECT number, at, duration_ms, succeeded, answer FROM delivery_attempt
        WHERE delivery = ?1 ORDER BY number";
    FORGET_ATTEMPTS = "DELETE FROM delivery_attempt WHERE delivery IN
        (SELECT id FROM delivery WHERE created < ?1 AND state <> 'waiting')";
    FORGET_DELIVERIES = "DELETE FROM delivery WHERE created < ?1 AND state <> 'waiting'";

    ADD_SESSION = "INSERT INTO session (hash, id, person, began, seen, expires, way, address, agent)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    SESSION = "SELECT id, person, began, seen, expires, way, address, agent FROM session
        WHERE hash = ?1 AND expires > ?2 AND seen > ?3";
    SESSIONS = "SELECT id, person, began, seen, expires, way, address, agent FROM session
        WHERE person = coalesce(?1, person) AND expires > ?2 AND seen > ?3 ORDER BY seen DESC, id";
    TOUCH_SESSION = "UPDATE session SET seen = ?2 WHERE id = ?1 AND seen < ?2";
    END_SESSION = "DELETE FROM session WHERE id = ?1";
    END_SESSIONS = "DELETE FROM session WHERE person = ?1 AND id <> coalesce(?2, '')";
    FORGET_ENDED_SESSIONS = "DELETE FROM session WHERE expires <= ?1 OR seen <= ?2";

    ADD_TOKEN = "INSERT INTO token (id, hash, person, name, permissions, place, created, expires,
        last_used) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    TOKEN = "SELECT id, person, name, permissions, place, created, expires, last_used, hash
        FROM token WHERE id = ?1";
    TOKENS = "SELECT id, person, name, permissions, place, created, expires, last_used FROM token
        WHERE person = coalesce(?1, person) ORDER BY created DESC, id";
    TOUCH_TOKEN = "UPDATE token SET last_used = ?2
        WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)";
    REMOVE_TOKEN = "DELETE FROM token WHERE id = ?1";
    REMOVE_TOKENS_OF = "DELETE FROM token WHERE person = ?1";

    ADD_PERSON = "INSERT INTO person (id, provider, subject, name, display_name, address, member_of,
        disabled, created, failures) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)";
    CHANGE_PERSON = "UPDATE person SET name = ?2, display_name = ?3, address = ?4, member_of = ?5,
        disabled = ?6 WHERE id = ?1";
    REMOVE_PERSON = "DELETE FROM person WHERE id = ?1";
    PEOPLE = "SELECT id, provider, subject, name, display_name, address, member_of, disabled, created,
        last_sign_in FROM person ORDER BY name, provider, id";
    PERSON = "SELECT id, provider, subject, name, display_name, address, member_of, disabled, created,
        last_sign_in FROM person WHERE id = ?1";
    PERSON_OF = "SELECT id, provider, subject, name, display_name, address, member_of, disabled,
        created, last_sign_in FROM person WHERE provider = ?1 AND subject = ?2";
    CREDENTIAL = "SELECT password, failures, locked_until FROM person WHERE id = ?1";
    SET_PASSWORD = "UPDATE person SET password = ?2, failures = 0, locked_until = NULL
        WHERE id = ?1";
    NOTE_SIGN_IN = "UPDATE person SET last_sign_in = ?2, failures = 0, locked_until = NULL
        WHERE id = ?1";
    COUNT_FAILURE = "UPDATE person SET failures = failures + 1, locked_until = ?2 WHERE id = ?1";
    SET_LANGUAGE = "UPDATE person SET language = ?2 WHERE id = ?1";
    LANGUAGES = "SELECT id, language FROM person WHERE language IS NOT NULL";
    UNLOCK_PERSON = "UPDATE person SET failures = 0, locked_until = NULL WHERE id = ?1";
    SET_TOTP = "INSERT INTO totp (person, sealed, confirmed, last_step) VALUES (?1, ?2, FALSE, 0)
        ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, confirmed = FALSE,
        last_step = 0";
    TOTP = "SELECT sealed, confirmed, last_step FROM totp WHERE person = ?1";
    PEOPLE_WITH_TOTP = "SELECT person FROM totp WHERE confirmed";
    CONFIRM_TOTP = "UPDATE totp SET confirmed = TRUE WHERE person = ?1";
    TAKE_TOTP_STEP = "UPDATE totp SET last_step = ?2 WHERE person = ?1 AND last_step < ?2";
    REMOVE_TOTP = "DELETE FROM totp WHERE person = ?1";
    ADD_RECOVERY_CODE = "INSERT INTO recovery_code (person, hash) VALUES (?1, ?2)";
    COUNT_RECOVERY_CODES = "SELECT count(*) FROM recovery_code WHERE person = ?1";
    TAKE_RECOVERY_CODE = "DELETE FROM recovery_code WHERE person = ?1 AND hash = ?2";
    REMOVE_RECOVERY_CODES = "DELETE FROM recovery_code WHERE person = ?1";

    ROLES = "SELECT name, description, permissions FROM role ORDER BY name";
    ADD_ROLE = "INSERT INTO role (name, description, permissions) VALUES (?1, ?2, ?3)";
    CHANGE_ROLE = "UPDATE role SET description = ?2, permissions = ?3 WHERE name = ?1";
    REMOVE_ROLE = "DELETE FROM role WHERE name = ?1";
    ASSIGNMENTS = "SELECT id, role, assignee, place, created FROM assignment ORDER BY created, id";
    ADD_ASSIGNMENT = "INSERT INTO assignment (id, role, assignee, place, created)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    REMOVE_ASSIGNMENT = "DELETE FROM assignment WHERE id = ?1";
    REMOVE_ASSIGNMENTS_OF = "DELETE FROM assignment WHERE assignee = ?1";
    COLLECTIONS = "SELECT id, name, description, query, created FROM collection ORDER BY name";
    ADD_COLLECTION = "INSERT INTO collection (id, name, description, query, created)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    CHANGE_COLLECTION = "UPDATE collection SET name = ?2, description = ?3, query = ?4
        WHERE id = ?1";
    REMOVE_COLLECTION = "DELETE FROM collection WHERE id = ?1";

    ADD_IDENTITY_PROVIDER = "INSERT INTO identity_provider (id, name, title, kind, document, sealed,
        enabled, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    CHANGE_IDENTITY_PROVIDER = "UPDATE identity_provider SET title = ?2, document = ?3, enabled = ?4
        WHERE id = ?1";
    SET_IDENTITY_PROVIDER_SECRET = "UPDATE identity_provider SET sealed = ?2 WHERE id = ?1";
    REMOVE_IDENTITY_PROVIDER = "DELETE FROM identity_provider WHERE id = ?1";
    IDENTITY_PROVIDERS = "SELECT id, name, title, kind, document, enabled, created
        FROM identity_provider ORDER BY name";
    IDENTITY_PROVIDER = "SELECT id, name, title, kind, document, enabled, created
        FROM identity_provider WHERE name = ?1";
    IDENTITY_PROVIDER_SECRET = "SELECT sealed FROM identity_provider
        WHERE id = ?1 AND sealed IS NOT NULL";

    ADD_SIGN_IN_ATTEMPT = "INSERT INTO sign_in_attempt (hash, sealed, expires)
        VALUES (?1, ?2, ?3)";
    TAKE_SIGN_IN_ATTEMPT = "DELETE FROM sign_in_attempt WHERE hash = ?1 RETURNING sealed, expires";
    REMOVE_ENDED_SIGN_IN_ATTEMPTS = "DELETE FROM sign_in_attempt WHERE expires <= ?1";
    REMOVE_OLDEST_SIGN_IN_ATTEMPTS = "DELETE FROM sign_in_attempt WHERE hash IN
        (SELECT hash FROM sign_in_attempt ORDER BY expires DESC LIMIT 1000 OFFSET ?1)";

    ADD_SERVER = "INSERT INTO server (connector, position, name, fqdn, distinguished_name, site,
        version, role, is_client_access, is_mailbox, is_edge)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    SERVERS = "SELECT name, fqdn, distinguished_name, site, version, role, is_client_access,
        is_mailbox, is_edge FROM server WHERE connector = ?1 ORDER BY name, position";

    ADD_ENDPOINT = "INSERT INTO endpoint (connector, url, origin, site, version, failures,
        rests_until, trouble, last_success) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    ENDPOINTS = "SELECT url, origin, site, version, failures, rests_until, trouble, last_success
        FROM endpoint WHERE connector = ?1";

    ADD_STATUS_MESSAGE = "INSERT INTO status_message (at, connector, number, text)
        VALUES (?1, ?2, ?3, ?4)";
    FORGET_STATUS_MESSAGES = "DELETE FROM status_message WHERE connector = ?1 AND sequence <=
        (SELECT sequence FROM status_message WHERE connector = ?1
        ORDER BY sequence DESC LIMIT 1 OFFSET ?2)";
    STATUS_MESSAGES = "SELECT at, connector, number, text FROM status_message
        WHERE connector = ?1 ORDER BY sequence DESC LIMIT ?2";

    MAILBOXES = "SELECT dn_key, guid, distinguished_name, display_name, alias, sam_account_name,
        user_principal_name, primary_smtp_address, allowed_device_ids, blocked_device_ids, policy,
        active_sync_enabled FROM mailbox WHERE connector = ?1 AND dn_key > ?2 ORDER BY dn_key LIMIT ?3";
    MAILBOX_KEYS = "SELECT dn_key FROM mailbox WHERE connector = ?1 AND dn_key > ?2
        ORDER BY dn_key LIMIT ?3";
    REMOVE_MAILBOX = "DELETE FROM mailbox WHERE connector = ?1 AND dn_key = ?2";
    MAILBOX = "SELECT guid, distinguished_name, display_name, alias, sam_account_name,
        user_principal_name, primary_smtp_address, allowed_device_ids, blocked_device_ids, policy,
        active_sync_enabled FROM mailbox WHERE connector = ?1 AND dn_key = ?2";

    FINGERPRINTS = "SELECT sequence, guid, hash, gone_since
        FROM device WHERE connector = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
    KNOWN_DEVICE = "SELECT sequence, guid, hash, gone_since, owner_dn
        FROM device WHERE id = ?1";
    STALE_STATISTICS = "SELECT sequence, guid, hash, gone_since, owner_dn
        FROM device WHERE connector = ?1 AND gone_since IS NULL
        AND (statistics_observed IS NULL OR statistics_observed < ?2)
        ORDER BY statistics_observed LIMIT ?3";
    STALE_STATISTICS_AFTER = "SELECT sequence, guid, hash, gone_since, owner_dn
        FROM device WHERE connector = ?1 AND gone_since IS NULL
        AND (statistics_observed IS NULL OR statistics_observed < ?2) AND sequence > ?3
        ORDER BY sequence LIMIT ?4";
    COUNT_STALE_STATISTICS = "SELECT count(*) FROM device WHERE connector = ?1
        AND gone_since IS NULL AND (statistics_observed IS NULL OR statistics_observed < ?2)";
    AGED = "SELECT id FROM device WHERE connector = ?1 AND aged_since IS NOT NULL
        AND gone_since IS NULL ORDER BY aged_since LIMIT ?2";
    AGEING = "SELECT count(CASE WHEN aged_since IS NULL AND statistics_observed IS NOT NULL
            AND coalesce(last_success_sync, last_sync_attempt, first_sync, when_created) < ?2
            THEN 1 END) AS count, count(aged_since) AS aged
        FROM device WHERE connector = ?1 AND gone_since IS NULL";
    AGE_DEVICES = "UPDATE device SET aged_since = ?3 WHERE connector = ?1
        AND aged_since IS NULL AND gone_since IS NULL AND statistics_observed IS NOT NULL
        AND coalesce(last_success_sync, last_sync_attempt, first_sync, when_created) < ?2";
    REVIVE_DEVICES = "UPDATE device SET aged_since = NULL WHERE connector = ?1
        AND aged_since IS NOT NULL
        AND coalesce(last_success_sync, last_sync_attempt, first_sync, when_created) >= ?2";
    TOTALS = "SELECT connector, access_state, count(*), count(coalesce(gone_since, aged_since))
        FROM device
        GROUP BY connector, access_state";
}

use ColumnType::{Flag, Integer, Text};

/// Devices: everything but the statistics.
pub(crate) static WRITE_DEVICES: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Text),
        ("connector", Text),
        ("guid", Text),
        ("hash", Integer),
        ("observed", Integer),
        ("gone_since", Integer),
        ("access_state", Text),
        ("access_reason", Text),
        ("access_rule", Text),
        ("owner_user", Text),
        ("owner_mailbox", Text),
        ("owner_name", Text),
        ("owner_dn", Text),
        ("identity", Text),
        ("distinguished_name", Text),
        ("device_id", Text),
        ("friendly_name", Text),
        ("device_type", Text),
        ("model", Text),
        ("os", Text),
        ("os_language", Text),
        ("user_agent", Text),
        ("imei", Text),
        ("phone_number", Text),
        ("operator", Text),
        ("client_type", Text),
        ("client_version", Text),
        ("first_sync", Integer),
        ("when_created", Integer),
        ("when_changed", Integer),
        ("other", Text),
    ];
    Bulk::upsert("device", "id", &columns, "")
});

/// Statistics of known devices: what changes most often stands first.
pub(crate) static WRITE_STATISTICS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Text),
        ("connector", Text),
        ("statistics_observed", Integer),
        ("last_sync_attempt", Integer),
        ("last_success_sync", Integer),
        ("statistics_guid", Text),
        ("statistics_identity", Text),
        ("statistics_device_id", Text),
        ("statistics_first_sync", Integer),
        ("policy", Text),
        ("policy_status", Text),
        ("wipe_status", Text),
        ("wipe_requested", Integer),
        ("wipe_sent", Integer),
        ("wipe_acknowledged", Integer),
        ("statistics_other", Text),
    ];
    Bulk::update_in_steps("device", &columns, &[5, 3], "")
});

/// Devices that are missing.
pub(crate) static MARK_GONE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("id", Text), ("connector", Text), ("gone_since", Integer)];
    Bulk::update("device", &columns, "AND device.gone_since IS NULL")
});

/// Mailboxes.
pub(crate) static WRITE_MAILBOXES: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("connector", Text),
        ("dn_key", Text),
        ("hash", Integer),
        ("guid", Text),
        ("distinguished_name", Text),
        ("display_name", Text),
        ("alias", Text),
        ("sam_account_name", Text),
        ("user_principal_name", Text),
        ("primary_smtp_address", Text),
        ("allowed_device_ids", Text),
        ("blocked_device_ids", Text),
        ("policy", Text),
        ("active_sync_enabled", Flag),
    ];
    Bulk::upsert("mailbox", "connector, dn_key", &columns, "WHERE mailbox.hash <> excluded.hash")
});

/// One device by its id.
pub(crate) fn device() -> String {
    format!("{DEVICE} FROM device d WHERE d.id = ?1")
}

/// What a [`domain::Device`] is made of, from `device d`: the beginning of a statement.
pub(crate) const DEVICE: &str = "SELECT d.sequence, d.id, d.connector, d.guid, \
    d.observed, d.gone_since, \
    (SELECT c.last_full_sync FROM connector c WHERE c.id = d.connector), \
    d.access_state, d.access_reason, d.access_rule, \
    d.owner_user, d.owner_mailbox, d.owner_name, d.owner_dn, d.identity, d.distinguished_name, \
    d.device_id, d.friendly_name, d.device_type, d.model, d.os, d.os_language, d.user_agent, \
    d.imei, d.phone_number, d.operator, d.client_type, d.client_version, d.first_sync, \
    d.when_created, d.when_changed, d.other, \
    d.statistics_observed, d.statistics_guid, d.statistics_identity, d.statistics_device_id, \
    d.statistics_first_sync, d.last_sync_attempt, d.last_success_sync, d.policy, \
    d.policy_status, d.wipe_status, d.wipe_requested, d.wipe_sent, d.wipe_acknowledged, \
    d.statistics_other";
