//! Which release of PostgreSQL serves, and whether it has a known way around row-level security.

use std::fmt;

use diesel::sql_types::Integer;
use diesel::{PgConnection, QueryResult, RunQueryDsl};

/// The first release of each major version that has none, as far as is known: CVE-2025-8713 showed hidden rows in
/// statistics. Majors that are not named came after it.
const FIRST_WITHOUT: [ServerVersion; 3] =
    [ServerVersion(15_0014), ServerVersion(16_0010), ServerVersion(17_0006)];

/// A release, as PostgreSQL numbers it: `15_0014` is 15.14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion(i32);

impl ServerVersion {
    /// A release by its number, `server_version_num`.
    #[must_use]
    pub fn new(number: i32) -> Self {
        Self(number)
    }

    fn major(self) -> i32 {
        self.0 / 10_000
    }

    /// What an operator has to be told about it, if anything.
    #[must_use]
    pub fn warning(self) -> Option<String> {
        let fixed = FIRST_WITHOUT.into_iter().find(|fixed| fixed.major() == self.major())?;
        (self < fixed).then(|| {
            format!(
                "PostgreSQL {self} has a known way around row-level security. Update it to {fixed} or newer."
            )
        })
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.0 % 10_000)
    }
}

/// The release behind `conn`.
pub fn server_version(conn: &mut PgConnection) -> QueryResult<ServerVersion> {
    diesel::select(diesel::dsl::sql::<Integer>("current_setting('server_version_num')::int"))
        .get_result(conn)
        .map(ServerVersion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_with_a_known_hole_is_told_and_what_to_update_to() {
        for (number, fixed) in [(15_0000, "15.14"), (15_0013, "15.14"), (16_0009, "16.10"), (17_0005, "17.6")]
        {
            let warning = ServerVersion::new(number).warning().unwrap();
            assert!(warning.ends_with(&format!("Update it to {fixed} or newer.")), "{warning}");
        }
        assert!(ServerVersion::new(15_0002).warning().unwrap().starts_with("PostgreSQL 15.2 "));
        for number in [15_0014, 15_0020, 16_0010, 17_0006, 18_0000, 19_0001] {
            assert_eq!(ServerVersion::new(number).warning(), None, "{number}");
        }
    }
}
