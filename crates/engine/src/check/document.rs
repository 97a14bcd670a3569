//! A report as it is kept: JSON, with the words that people are shown.

use exchange::{Feature, FeatureCheck, FeatureState};
use serde_json::{Value as Json, json};

use super::{CheckReport, CheckResult, CheckStep};

pub(super) fn of(report: &CheckReport) -> Json {
    let CheckReport { at, is_ready, is_read_only, steps, features } = report;
    let step = |CheckStep { name, result, detail }: &CheckStep| json!({ "name": name, "result": result.word(), "detail": detail });
    let feature = |check: &FeatureCheck| {
        let FeatureCheck { feature, state, missing, consequence, grant } = check;
        json!({
            "feature": feature.word(),
            "state": state.word(),
            "missing": missing,
            "consequence": consequence,
            "grant": grant,
        })
    };
    json!({
        "at": at.to_string(),
        "is_ready": is_ready,
        "is_read_only": is_read_only,
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
        "features": features.iter().map(feature).collect::<Vec<_>>(),
    })
}

/// `None` for what is no report, or has a word in it that is not known here.
pub(super) fn report(text: &str) -> Option<CheckReport> {
    let document: Json = serde_json::from_str(text).ok()?;
    Some(CheckReport {
        at: document.get("at")?.as_str()?.parse().ok()?,
        is_ready: document.get("is_ready")?.as_bool()?,
        is_read_only: document.get("is_read_only")?.as_bool()?,
        steps: list(document.get("steps")?, step)?,
        features: list(document.get("features")?, feature)?,
    })
}

fn step(document: &Json) -> Option<CheckStep> {
    let detail = document.get("detail")?;
    Some(CheckStep {
        name: text(document.get("name")?)?,
        result: CheckResult::parse(document.get("result")?.as_str()?)?,
        detail: if detail.is_null() { None } else { Some(text(detail)?) },
    })
}

fn feature(document: &Json) -> Option<FeatureCheck> {
    Some(FeatureCheck {
        feature: Feature::parse(document.get("feature")?.as_str()?)?,
        state: FeatureState::parse(document.get("state")?.as_str()?)?,
        missing: list(document.get("missing")?, text)?,
        consequence: text(document.get("consequence")?)?,
        grant: list(document.get("grant")?, text)?,
    })
}

fn list<T>(document: &Json, item: fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    document.as_array()?.iter().map(item).collect()
}

fn text(document: &Json) -> Option<String> {
    document.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    /// Every word that there is, and text that is hard to keep.
    fn everything() -> CheckReport {
        let texts = ["", "Clear-MobileDevice -AccountOnly", "a \"b\"\n\u{0}\u{10fffe}ü"];
        let steps = CheckResult::ALL.into_iter().zip(texts).map(|(result, text)| CheckStep {
            name: text.to_owned(),
            result,
            detail: (result != CheckResult::Fine).then(|| text.to_owned()),
        });
        let features = Feature::ALL.into_iter().zip(FeatureState::ALL.into_iter().cycle());
        let features = features.map(|(feature, state)| FeatureCheck {
            feature,
            state,
            missing: texts.map(str::to_owned).to_vec(),
            consequence: feature.consequence().to_owned(),
            grant: if feature.writes() { texts.map(str::to_owned).to_vec() } else { Vec::new() },
        });
        CheckReport {
            at: Timestamp::from_millisecond(1_790_000_000_123).unwrap(),
            is_ready: true,
            is_read_only: false,
            steps: steps.collect(),
            features: features.collect(),
        }
    }

    #[test]
    fn every_report_comes_back() {
        for kept in [everything(), CheckReport::default()] {
            assert_eq!(report(&of(&kept).to_string()), Some(kept));
        }
    }

    #[test]
    fn what_is_not_understood_is_no_report() {
        for text in ["", "null", "{}", "[]", "no JSON", "{\"at\": 5}"] {
            assert_eq!(report(text), None, "{text}");
        }
        let whole = of(&everything());
        for part in ["", "/steps/0", "/features/0"] {
            for field in whole.pointer(part).unwrap().as_object().unwrap().keys() {
                for wrong in [None, Some(json!("word")), Some(json!([1]))] {
                    // Any text is a text.
                    let is_text = ["name", "detail", "consequence"].contains(&field.as_str());
                    if is_text && wrong == Some(json!("word")) {
                        continue;
                    }
                    let mut document = whole.clone();
                    let fields = document.pointer_mut(part).unwrap().as_object_mut().unwrap();
                    match &wrong {
                        Some(wrong) => fields.insert(field.clone(), wrong.clone()),
                        None => fields.remove(field),
                    };
                    assert_eq!(report(&document.to_string()), None, "{part}/{field}: {wrong:?}");
                }
            }
        }
    }
}
