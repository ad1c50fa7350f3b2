//! Calendar days, and where a new one begins in a timeline.

/// A calendar day where the reader is. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub u32, pub u32, pub u32);

/// The days of a timeline, from top to bottom.
#[derive(Debug, Default)]
pub struct Days {
    latest: Option<Day>,
}

impl Days {
    /// Whether a new day begins with something of this day. By a clock that is wrong, something may be of tomorrow, or older than
    /// what stands above it: no day begins with that.
    pub fn begins(&mut self, day: Day, today: Day) -> bool {
        let is_new = day <= today && self.latest.is_none_or(|latest| day > latest);
        if is_new {
            self.latest = Some(day);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = Day(2026, 5, 14);

    fn dividers(days: &[Day]) -> Vec<Day> {
        let mut all = Days::default();
        days.iter().copied().filter(|day| all.begins(*day, TODAY)).collect()
    }

    #[test]
    fn each_day_begins_once() {
        let (first, second) = (Day(2025, 11, 31), Day(2026, 0, 1));
        assert_eq!(dividers(&[first, first, second, TODAY, TODAY]), [first, second, TODAY]);
    }

    #[test]
    fn a_clock_that_is_wrong_begins_no_day() {
        let (yesterday, long_ago, to_come) = (Day(2026, 5, 13), Day(1970, 0, 1), Day(2099, 0, 1));
        assert_eq!(
            dividers(&[yesterday, long_ago, yesterday, TODAY, yesterday, TODAY]),
            [yesterday, TODAY]
        );
        assert_eq!(
            dividers(&[yesterday, to_come, TODAY, to_come, TODAY]),
            [yesterday, TODAY]
        );
        assert_eq!(dividers(&[to_come, yesterday]), [yesterday]);
    }
}
