//! Why a run ended: four words, decided by who asked for it.

/// What is known of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is known by itself")]
pub struct Ending {
    pub exit_code: i64,
    /// An operation of ours was stopping it.
    pub was_asked_here: bool,
    /// Somebody stopped it by way of the engine, which says so after the end.
    pub was_stopped: bool,
    /// Somebody sent it a signal that asks for an end, and it ended within a minute.
    pub was_signalled: bool,
    /// Nobody listened then: the container's state is all there is.
    pub is_reconstructed: bool,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    AskedHere,
    StoppedOutside,
    Ended,
    Crashed,
}

/// Signals that ask for an end: INT, QUIT, KILL, TERM. HUP asks many programs to read their settings anew.
#[must_use]
pub fn asks_for_an_end(signal: i64) -> bool {
    matches!(signal, 2 | 3 | 9 | 15)
}

impl Ending {
    #[must_use]
    pub fn verdict(self) -> Verdict {
        // What a shell says of a program that TERM, INT or QUIT ended; KILL may have been the kernel's.
        let tells_of_a_signal = matches!(self.exit_code, 130 | 131 | 143);
        if self.was_asked_here {
            Verdict::AskedHere
        } else if self.was_stopped || self.was_signalled || (self.is_reconstructed && tells_of_a_signal) {
            Verdict::StoppedOutside
        } else if self.exit_code == 0 {
            Verdict::Ended
        } else {
            Verdict::Crashed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_decides_and_then_the_exit_code() {
        let of = |exit_code| Ending { exit_code, ..Ending::default() };
        let asked = Ending { was_asked_here: true, was_signalled: true, ..of(137) };
        assert_eq!(asked.verdict(), Verdict::AskedHere);
        assert_eq!(Ending { was_stopped: true, ..of(137) }.verdict(), Verdict::StoppedOutside);
        assert_eq!(Ending { was_signalled: true, ..of(1) }.verdict(), Verdict::StoppedOutside);
        assert_eq!(of(0).verdict(), Verdict::Ended);
        for crash in [1, 2, 126, 127, 134, 137, 139, 143, 255] {
            assert_eq!(of(crash).verdict(), Verdict::Crashed, "{crash}");
        }
        let missed = |exit_code| Ending { is_reconstructed: true, ..of(exit_code) };
        assert_eq!(
            [0, 143, 137].map(|code| missed(code).verdict()),
            [Verdict::Ended, Verdict::StoppedOutside, Verdict::Crashed]
        );
    }

    #[test]
    fn only_some_signals_ask_for_an_end() {
        assert!([2, 3, 9, 15].into_iter().all(asks_for_an_end));
        assert!(![1, 10, 12, 28].into_iter().any(asks_for_an_end));
    }
}
