//! Which settings of `late-data` mean nothing together.

use std::time::Duration;

use super::spec::{Contents, LateDataSpec, Lateness, TriggerSpec, VeryLate, WindowSpec};
use crate::spec::SpecError;

/// Most windows that a record may be copied into.
const MOST_COPIES: u128 = 10_000;

impl LateDataSpec {
    /// Checks what joins several parameters.
    pub(crate) fn validate(&self) -> Result<(), SpecError> {
        self.check_milliseconds()?;
        self.check_lateness()?;
        self.check_sliding()?;
        self.check_global()
    }

    /// Event time has no smaller unit.
    fn check_milliseconds(&self) -> Result<(), SpecError> {
        let window = match self.window {
            WindowSpec::Tumbling { size } => [Some(("size", size)), None],
            WindowSpec::Sliding { size, slide, .. } => {
                [Some(("size", size)), Some(("slide", slide))]
            }
            WindowSpec::Session { gap } => [Some(("gap", gap)), None],
            WindowSpec::Global {} => [None, None],
        };
        let window = window.into_iter().flatten();
        let window = window.map(|(name, span)| (format!("window.{name}"), span));
        let interval = match self.trigger {
            TriggerSpec::EarlyInterval { interval }
            | TriggerSpec::ContinuousEventTime { interval } => Some(interval),
            _ => None,
        };
        let others = [
            ("trigger.interval", interval),
            ("allowed_lateness", Some(self.allowed_lateness)),
            ("watermark.delay", Some(self.watermark.delay)),
            ("watermark.idle_timeout", self.watermark.idle_timeout),
            ("watermark.max_drift", self.watermark.max_drift),
        ];
        let others = others
            .into_iter()
            .filter_map(|(key, span)| Some((key.to_owned(), span?)));
        let is_fraction = |(_, span): &(String, Duration)| span.subsec_nanos() % 1_000_000 != 0;
        match window.chain(others).find(is_fraction) {
            Some((key, span)) => {
                let found = humantime::format_duration(span);
                refused(
                    &key,
                    format!("found \"{found}\"; allowed: whole milliseconds"),
                )
            }
            None => Ok(()),
        }
    }

    fn check_lateness(&self) -> Result<(), SpecError> {
        let VeryLate { share, min, max } = self.very_late;
        let preset = matches!(self.lateness, Lateness::Yahoo {} | Lateness::Beam {});
        if preset && share > 0.0 {
            let message = "found more than 0; lateness \"yahoo\" and \"beam\" say themselves which records are very late";
            return refused("very_late.share", message.to_owned());
        }
        if min > max {
            let (min, max) = (
                humantime::format_duration(min),
                humantime::format_duration(max),
            );
            let message = format!("found \"{min}\"; allowed: up to very_late.max = \"{max}\"");
            return refused("very_late.min", message);
        }
        Ok(())
    }

    fn check_sliding(&self) -> Result<(), SpecError> {
        let WindowSpec::Sliding { size, slide, .. } = self.window else {
            return Ok(());
        };
        let shown = humantime::format_duration(slide);
        if slide > size {
            let size = humantime::format_duration(size);
            let message = format!("found \"{shown}\"; allowed: up to window.size = \"{size}\"");
            return refused("window.slide", message);
        }
        if self.is_sliced() && !self.fires_by_event_time() {
            let trigger = self.trigger.name();
            let message = format!(
                "found \"sliced\"; slices say what they have seen at the end of a window only; allowed with trigger.kind = \"{trigger}\": \"copies\""
            );
            return refused("window.form", message);
        }
        if self.is_sliced() && self.purging {
            let message = "found \"sliced\"; windows that share slices cannot forget them; allowed with purging: \"copies\"";
            return refused("window.form", message.to_owned());
        }
        let copies = size.as_millis().div_ceil(slide.as_millis().max(1));
        if !self.is_sliced() && copies > MOST_COPIES {
            let message = format!(
                "found \"{shown}\"; allowed with copies: at most {MOST_COPIES} windows per record, or window.form = \"sliced\""
            );
            return refused("window.slide", message);
        }
        Ok(())
    }

    fn check_global(&self) -> Result<(), SpecError> {
        if self.window != (WindowSpec::Global {}) {
            return Ok(());
        }
        if self.trigger == (TriggerSpec::ProcessingTime {}) {
            let message = "found \"processing-time\"; the global window has no end that processing time reaches; allowed: any other trigger";
            return refused("trigger.kind", message.to_owned());
        }
        if !self.allowed_lateness.is_zero() {
            let found = humantime::format_duration(self.allowed_lateness);
            let message = format!(
                "found \"{found}\"; nothing is late for the global window; allowed: \"0s\""
            );
            return refused("allowed_lateness", message);
        }
        let keeps_all =
            self.contents == Contents::AllElements && (!self.purging || self.fires_by_event_time());
        if keeps_all {
            let message = "found \"all-elements\"; the global window would keep the whole stream; allowed: \"aggregate\", or purging with a trigger that fires before the end";
            return refused("contents", message.to_owned());
        }
        Ok(())
    }
}

fn refused(key: &str, message: String) -> Result<(), SpecError> {
    Err(SpecError::new(key, message))
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::parse;

    #[test]
    fn what_does_not_go_together_is_refused_by_the_key_to_change() {
        let error = |text: &str| parse(text).expect_err(text);
        let starts = |text: &str, start: &str| {
            let error = error(text);
            assert!(error.starts_with(start), "{error}");
        };
        assert_eq!(
            error("window = { kind = 'tumbling', size = '1500us' }"),
            "window.size: found \"1ms 500us\"; allowed: whole milliseconds"
        );
        assert_eq!(
            error("window = { kind = 'sliding', size = '1s', slide = '2s' }"),
            "window.slide: found \"2s\"; allowed: up to window.size = \"1s\""
        );
        let sliced = "window = { kind = 'sliding', size = '2s', slide = '1s', form = 'sliced' }\n";
        starts(
            &format!("{sliced}trigger = {{ kind = 'count', count = 2 }}"),
            "window.form: found \"sliced\"; slices",
        );
        starts(
            &format!("{sliced}purging = true"),
            "window.form: found \"sliced\"; windows that share",
        );
        let many = "window = { kind = 'sliding', size = '60s', slide = '1ms' }\n";
        starts(
            &format!("{many}purging = true"),
            "window.slide: found \"1ms\"; allowed with copies",
        );
        assert!(parse(many).is_ok(), "sliced by itself");
        let global = "window = { kind = 'global' }\n";
        starts(
            &format!("{global}trigger = {{ kind = 'processing-time' }}"),
            "trigger.kind: ",
        );
        starts(
            &format!("{global}allowed_lateness = '1s'"),
            "allowed_lateness: found \"1s\"",
        );
        starts(
            &format!("{global}contents = 'all-elements'\npurging = true"),
            "contents: ",
        );
        starts(
            "very_late = { share = 0.5, min = '2s', max = '1s' }",
            "very_late.min: found \"2s\"",
        );
        starts(
            "lateness = { kind = 'beam' }\nvery_late = { share = 0.5 }",
            "very_late.share: ",
        );
    }
}
