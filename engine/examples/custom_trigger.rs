//! A trigger of one's own: a basket is reported when its customer checks out, or at the end of the
//! session if they never do.
//!
//! `cargo run -p engine --example custom_trigger`

use engine::{
    AllElements, Batch, FINAL_WATERMARK_MS, Firing, Row, Session, TimeDomain, Trigger,
    TriggerContext, TriggerResult, TriggeredWindows, WindowCore, WindowError, WindowOutput,
};

/// Fires at a check-out and forgets what it has reported; what is left fires at the end.
struct AtCheckOut;

impl Trigger<String> for AtCheckOut {
    type State = ();

    fn on_element(
        &self,
        item: &String,
        _timestamp_ms: i64,
        _state: &mut (),
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let end_ms = context.window().max_timestamp_ms();
        context.register(TimeDomain::Event, end_ms);
        match item.as_str() {
            "check-out" => TriggerResult::FireAndPurge,
            _ => TriggerResult::Continue,
        }
    }

    fn on_event_time(
        &self,
        _at_ms: i64,
        _state: &mut (),
        _context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::FireAndPurge
    }

    // The element that merged the sessions registers the timer of the new end.
    fn on_merge(&self, _state: &mut (), _other: (), _context: &mut TriggerContext<'_>) {}
}

/// What customers did, at which second.
const EVENTS: [(&str, i64, &str); 8] = [
    ("ann", 0, "tea"),
    ("bob", 1, "salt"),
    ("ann", 2, "milk"),
    ("ann", 4, "check-out"),
    ("bob", 5, "oil"),
    ("ann", 6, "cake"),
    ("bob", 60, "rice"),
    ("bob", 61, "check-out"),
];

fn main() -> Result<(), WindowError> {
    let report = AllElements::new(|customer: &String, firing: &Firing, items: &[String]| {
        Some(format!(
            "{customer} {:?}: {}",
            firing.time,
            items.join(", ")
        ))
    });
    let mut baskets = TriggeredWindows::new(Session::new(30_000)?, AtCheckOut, report, 0);

    let mut results = Batch::default();
    let mut out = WindowOutput {
        results: &mut results,
        late: None,
    };
    for (customer, second, item) in EVENTS {
        let timestamp_ms = second * 1_000;
        let row = Row {
            tag: 0,
            value: item.to_owned(),
        };
        baskets.element(&customer.to_owned(), timestamp_ms, row, 0, &mut out);
        baskets.watermark(timestamp_ms - 1, 0, &mut out);
    }
    baskets.watermark(FINAL_WATERMARK_MS, 0, &mut out);

    for basket in results.values() {
        println!("{basket}");
    }
    Ok(())
}
