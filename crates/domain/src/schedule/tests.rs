//! Schedules as text, and when they are due on a clock that the test holds.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Interval, Schedule, Schedules, TimeZoneName};

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap()
}

fn zone(name: &str) -> TimeZoneName {
    TimeZoneName::parse(name).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_schedule_is_read_and_written() {
    let check = |text: &str, expected: &str| {
        assert_eq!(schedule(text).to_string(), expected, "{text}");
        assert_eq!(schedule(expected), schedule(text), "{text}");
    };
    check("24h", "24h");
    check("1d", "24h");
    check("240min", "4h");
    check("45m", "45min");
    check("90m", "1h30m");
    check("1h30m", "1h30m");
    check(" 1 H 30 min ", "1h30m");
    check("7d", "7d");
    check("1d12h", "36h");
    check("31d", "31d");
    check("1m", "1min");
    check("Never", "never");
    check("cron 0 2 * * 1-5", "cron 0 2 * * 1-5");
    check("  0   2 * *\tmon-FRI ", "cron 0 2 * * mon-FRI");
    check("CRON */15 8-18 L JAN,JUL ?", "cron */15 8-18 L JAN,JUL ?");
    check("0 4 15W * MON#1", "cron 0 4 15W * MON#1");
}

#[test]
fn what_is_no_schedule_says_what_would_be() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Schedule::parse(text).unwrap_err().to_string(), expected, "{text}");
    };
    for text in ["", "daily", "24", "h", "-1h", "1.5h", "30m1h", "1h1h", "1w", "0 0 2 * * *"] {
        check(
            text,
            &format!(
                "schedule {text:?} is not understood; write an interval such as 24h or 1h30m, five \
                 cron fields such as 0 2 * * 1-5, or never"
            ),
        );
    }
    for text in ["0h", "32d", "44641min", "99999999999999999999d", "31d1m"] {
        check(
            text,
            &format!(
                "interval {text:?} is not from 1 minute to 31 days; write for example 240min, 24h \
                 or 7d"
            ),
        );
    }
    for (text, field) in [
        ("60 2 * * *", "minute \"60\""),
        ("x 2 * * *", "minute \"x\""),
        ("*/0 2 * * *", "minute \"*/0\""),
        ("0 24 * * *", "hour \"24\""),
        ("0 5-2 * * *", "hour \"5-2\""),
        ("0 2 0 * *", "day \"0\""),
        ("0 2 * 13 *", "month \"13\""),
        ("0 2 * MON *", "month \"MON\""),
        ("0 2 * * 8", "weekday \"8\""),
        ("0 2 * * +MON", "weekday \"+MON\""),
        ("0 2 * * Montag", "weekday \"Montag\""),
    ] {
        let message = Schedule::parse(text).unwrap_err().to_string();
        assert!(
            message
                .starts_with(&format!("{field} of the cron expression is not understood; write")),
            "{message}"
        );
    }
    check(
        "cron @daily",
        "cron expression \"@daily\" does not have five fields; write minute, hour, day, month and \
         weekday, such as 0 2 * * 1-5",
    );
    for text in ["0 2 30 2 *", "0 2 31 4,6,9,11 *"] {
        check(
            text,
            &format!(
                "cron expression {text:?} names a day that never comes; write one that does, such \
                 as 0 2 28 * *"
            ),
        );
    }
    check(
        &"0".repeat(100_000),
        "schedule is longer than 256 characters; write 24h, 0 2 * * 1-5 or never",
    );
}

#[test]
fn the_defaults_are_a_day_and_four_hours() {
    let Schedules { full, delta, zone } = Schedules::default();
    assert_eq!((full, delta), (schedule("24h"), schedule("240min")));
    assert_eq!(zone.as_str(), "UTC");
}

#[test]
fn a_pass_is_due_when_its_time_has_come() {
    let check = |text: &str, last: Option<&str>, now: &str, expected: Option<&str>| {
        let next = schedule(text).next(&zone("Europe/Berlin"), last.map(time), time(now));
        assert_eq!(next, expected.map(time), "{text}, {last:?}, {now}");
    };
    let noon = "2026-06-01T12:00:00Z";
    // Never run: now.
    check("24h", None, noon, Some(noon));
    check("0 2 * * *", None, noon, Some(noon));
    check("never", None, noon, None);
    // Not yet due.
    check("4h", Some("2026-06-01T11:00:00Z"), noon, Some("2026-06-01T15:00:00Z"));
    check("0 2 * * *", Some("2026-06-01T00:00:00Z"), noon, Some("2026-06-02T00:00:00Z"));
    check("never", Some("2026-06-01T00:00:00Z"), noon, None);
    // Began a moment after its time: not again for the same time.
    check("0 2 * * *", Some("2026-06-01T00:00:00.5Z"), noon, Some("2026-06-02T00:00:00Z"));
    // Due, and missed many times: now, once.
    check("4h", Some("2026-06-01T08:00:00Z"), noon, Some(noon));
    check("1min", Some("2026-05-01T00:00:00Z"), noon, Some(noon));
    check("* * * * *", Some("2026-05-01T00:00:00Z"), noon, Some(noon));
    check("1min", Some(noon), noon, Some("2026-06-01T12:01:00Z"));
    // The last run lies a little ahead: another machine's clock. Far ahead: a clock was set back.
    check("4h", Some("2026-06-01T12:05:00Z"), noon, Some("2026-06-01T16:05:00Z"));
    check("4h", Some("2026-06-01T12:05:01Z"), noon, Some(noon));
    check("0 2 * * *", Some("2026-06-01T12:05:00Z"), noon, Some("2026-06-02T00:00:00Z"));
    check("0 2 * * *", Some("2027-01-01T00:00:00Z"), noon, Some(noon));
    check("never", Some("2027-01-01T00:00:00Z"), noon, None);
}

#[test]
fn the_ends_of_time_are_borne() {
    for text in ["31d", "* * * * *", "0 2 29 2 *"] {
        for last in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                for name in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
                    let next = schedule(text).next(&zone(name), Some(last), now);
                    assert!(next.is_none_or(|next| next >= now));
                }
            }
        }
    }
}

/// The runs of an expression after a time, as the wall clock shows them, each begun on time.
fn runs(text: &str, name: &str, last: &str, count: usize) -> Vec<String> {
    let (schedule, zone) = (schedule(text), zone(name));
    let mut last = last.parse::<DateTime>().unwrap().to_zoned(zone.rules().clone()).unwrap();
    (0..count)
        .map(|_| {
            let next = schedule.next(&zone, Some(last.timestamp()), last.timestamp()).unwrap();
            last = next.to_zoned(zone.rules().clone());
            last.strftime("%m-%d %H:%M %:z").to_string()
        })
        .collect()
}

#[test]
fn a_time_skipped_by_a_clock_change_runs_right_after_the_gap() {
    let check = |text, name, last, expected: &[&str]| {
        assert_eq!(runs(text, name, last, expected.len()), expected, "{text} in {name}");
    };
    let (berlin, eve) = ("Europe/Berlin", "2026-03-28T12:00");
    check("30 2 * * *", berlin, eve, &["03-29 03:00 +02:00", "03-30 02:30 +02:00"]);
    check("0 2 * * *", berlin, eve, &["03-29 03:00 +02:00", "03-30 02:00 +02:00"]);
    check("0 3 * * *", berlin, eve, &["03-29 03:00 +02:00", "03-30 03:00 +02:00"]);
    check("59 1 * * *", berlin, eve, &["03-29 01:59 +01:00", "03-30 01:59 +02:00"]);
    // All that were skipped are one run, also with one that falls on the same instant.
    check(
        "*/20 1-3 * * *",
        berlin,
        "2026-03-29T01:20",
        &["03-29 01:40 +01:00", "03-29 03:00 +02:00", "03-29 03:20 +02:00"],
    );

    check(
        "30 2 * * *",
        "America/New_York",
        "2026-03-07T12:00",
        &["03-08 03:00 -04:00", "03-09 02:30 -04:00"],
    );
    // Half an hour: 02:00 to 02:30.
    check(
        "*/15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T12:00",
        &["10-04 02:30 +11:00", "10-04 02:45 +11:00", "10-05 02:00 +11:00"],
    );
    // A whole day: Samoa had no 30 December 2011.
    check(
        "0 2 * * *",
        "Pacific/Apia",
        "2011-12-29T03:00",
        &["12-31 00:00 +14:00", "12-31 02:00 +14:00", "01-01 02:00 +14:00"],
    );
    check("30 2 * * *", "UTC", eve, &["03-29 02:30 +00:00", "03-30 02:30 +00:00"]);
}

#[test]
fn a_time_that_comes_twice_runs_once() {
    let check = |text, name, last, expected: &[&str]| {
        assert_eq!(runs(text, name, last, expected.len()), expected, "{text} in {name}");
    };
    let (berlin, eve) = ("Europe/Berlin", "2026-10-24T12:00");
    check("30 2 * * *", berlin, eve, &["10-25 02:30 +02:00", "10-26 02:30 +01:00"]);
    check("0 3 * * *", berlin, eve, &["10-25 03:00 +01:00", "10-26 03:00 +01:00"]);
    check(
        "*/30 1-3 * * *",
        berlin,
        "2026-10-25T01:00",
        &["10-25 01:30 +02:00", "10-25 02:00 +02:00", "10-25 02:30 +02:00", "10-25 03:00 +01:00"],
    );
    check(
        "30 1 * * *",
        "America/New_York",
        "2026-10-31T12:00",
        &["11-01 01:30 -04:00", "11-02 01:30 -05:00"],
    );
    // Half an hour: 01:30 to 02:00.
    check(
        "*/15 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-05T01:00",
        &["04-05 01:15 +11:00", "04-05 01:30 +11:00", "04-05 01:45 +11:00", "04-06 01:00 +10:30"],
    );
    check("30 2 * * *", "UTC", eve, &["10-25 02:30 +00:00", "10-26 02:30 +00:00"]);
    // A pass begun by hand while the clock repeats itself does not bring the first time back.
    let by_hand = time("2026-10-25T01:10:00Z");
    assert_eq!(
        schedule("30 2 * * *").next(&zone(berlin), Some(by_hand), by_hand),
        Some(time("2026-10-26T01:30:00Z"))
    );
}

#[test]
fn an_interval_does_not_care_for_clock_changes() {
    for (name, last) in [
        ("Europe/Berlin", "2026-03-28T12:00:00Z"),
        ("Europe/Berlin", "2026-10-24T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T12:00:00Z"),
    ] {
        let last = time(last);
        assert_eq!(
            schedule("24h").next(&zone(name), Some(last), last),
            Some(last + SignedDuration::from_hours(24))
        );
    }
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let field = |from: u8, to: u8| {
        prop_oneof![
            Just("*".to_owned()),
            (from..=to).prop_map(|n| n.to_string()),
            (from..=to, from..=to).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            (from..=to, from..=to).prop_map(|(a, b)| format!("{a},{b}")),
            (1..=to).prop_map(|step| format!("*/{step}")),
        ]
    };
    let cron = (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).prop_map(
        |(minute, hour, day, month, weekday)| {
            schedule(&format!("{minute} {hour} {day} {month} {weekday}"))
        },
    );
    let every = (Interval::MIN.minutes()..=Interval::MAX.minutes())
        .prop_map(|minutes| Schedule::Every(Interval::from_minutes(minutes).unwrap()));
    prop_oneof![every, cron, Just(Schedule::Never)]
}

fn any_zone() -> impl Strategy<Value = TimeZoneName> {
    prop_oneof![
        Just("Europe/Berlin"),
        Just("America/New_York"),
        Just("Australia/Lord_Howe"),
        Just("Africa/Casablanca"),
        Just("Asia/Kolkata"),
        Just("UTC")
    ]
    .prop_map(zone)
}

/// From 1990 to 2090, half of them within a day of the clock changes of Berlin in 2026.
fn any_time() -> impl Strategy<Value = Timestamp> {
    const DAY_SECONDS: i64 = 86_400;
    let around = |change: &str| {
        let change = time(change).as_second();
        change - DAY_SECONDS..change + DAY_SECONDS
    };
    prop_oneof![
        around("2026-03-29T01:00:00Z"),
        around("2026-10-25T01:00:00Z"),
        631_152_000_i64..3_786_912_000,
        631_152_000_i64..3_786_912_000,
    ]
    .prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(schedule in any_schedule()) {
        prop_assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule));
    }

    #[test]
    fn any_text_is_read_or_refused(
        text in prop_oneof![
            "\\PC{0,60}",
            "(cron )?[-0-9*/,?#+@LWhdmin ]{0,40}",
            "[-0-9*/,LW#]{1,6}( [-0-9*/,LW#]{1,4}){4}",
        ]
    ) {
        if let Ok(schedule) = Schedule::parse(&text) {
            prop_assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule));
        }
    }

    #[test]
    fn the_next_run_lies_after_the_last_and_not_before_now(
        schedule in any_schedule(),
        zone in any_zone(),
        last in any_time(),
        waited_seconds in -300_i64..40 * 86_400,
    ) {
        let now = last + SignedDuration::from_secs(waited_seconds);
        match schedule.next(&zone, Some(last), now) {
            None => prop_assert_eq!(schedule, Schedule::Never),
            Some(next) => {
                prop_assert!(next >= now);
                prop_assert!(next > last);
            }
        }
    }

    #[test]
    fn time_that_passes_never_brings_the_next_run_nearer(
        schedule in any_schedule(),
        zone in any_zone(),
        last in proptest::option::of(any_time()),
        now in any_time(),
        passed_seconds in 0_i64..40 * 86_400,
    ) {
        let later = now + SignedDuration::from_secs(passed_seconds);
        prop_assert!(schedule.next(&zone, last, now) <= schedule.next(&zone, last, later));
    }

    #[test]
    fn nothing_is_skipped_between_a_run_and_the_next(
        schedule in any_schedule(),
        zone in any_zone(),
        last in any_time(),
        share in any::<u16>(),
    ) {
        // Seen from any moment between the two, a cron expression names the same next run.
        if let Schedule::Cron(expression) = &schedule
            && let Some(next) = expression.next_after(&zone, last)
        {
            let between = (next.as_second() - last.as_second() - 1) * i64::from(share) / 65_536;
            let moment = last + SignedDuration::from_secs(between);
            prop_assert_eq!(expression.next_after(&zone, moment), Some(next));
        }
    }
}
