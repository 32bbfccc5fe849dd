//! How a message is answered. The built-in provider answers in the transaction that takes the message; one that is asked
//! over a network is waited for between two transactions, and no other message is taken meanwhile.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::commands::{self, TalkError};
use super::provider::{BuiltIn, Proposal, Provider, ProviderError};
use super::queries::{Session, Whose};

diesel::define_sql_function! {
    #[sql_name = "pilothouse.assistant_usage_today"]
    fn assistant_usage_today() -> BigInt;
}

/// A message whose answer is waited for.
#[derive(Debug, Clone)]
pub struct Waiting {
    session: Session,
    message: String,
    at: DateTime<Utc>,
}

/// Whether a model has used up what it may read and write today.
pub fn is_spent(conn: &mut PgConnection, provider: &dyn Provider) -> QueryResult<bool> {
    let used: i64 = diesel::select(assistant_usage_today()).get_result(conn)?;
    Ok(u64::try_from(used).unwrap_or(0) >= provider.daily_tokens())
}

pub fn count(conn: &mut PgConnection, usage: super::provider::Usage) -> QueryResult<()> {
    diesel::sql_query("SELECT pilothouse.count_assistant_usage($1, $2)")
        .bind::<BigInt, _>(usage.input_tokens)
        .bind::<BigInt, _>(usage.output_tokens)
        .execute(conn)
        .map(|_| ())
}

/// Takes a message in a held session. Answers what is to be waited for, if anything is.
pub fn take(
    conn: &mut PgConnection,
    session: Session,
    provider: &dyn Provider,
    message: &str,
    at: DateTime<Utc>,
) -> QueryResult<Option<Waiting>> {
    let conversation = &session.conversation;
    // Who was told otherwise, or that nobody else reads it, is answered here.
    let goes_out = provider.sends_to().is_some()
        && conversation.sends_to.as_deref() == provider.sends_to()
        && !conversation.fell_back;
    if !goes_out {
        settle_here(conn, session, message, None, at)?;
        return Ok(None);
    }
    if is_spent(conn, provider)? {
        settle_here(conn, session, message, provider.sends_to(), at)?;
        return Ok(None);
    }
    commands::answer_later(conn, &session)?;
    Ok(Some(Waiting { session, message: message.to_owned(), at }))
}

/// The built-in provider answers; when it stands in for another one, it says so.
fn settle_here(
    conn: &mut PgConnection,
    session: Session,
    message: &str,
    instead_of: Option<&str>,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let talk = session.conversation.talk(message, at.date_naive());
    let mut proposal = BuiltIn.propose(&talk).unwrap_or_default();
    if let Some(name) = instead_of {
        proposal.reply =
            format!("{name} does not answer, so this console goes on by itself. {}", proposal.reply);
    }
    commands::take_message(conn, session, message, proposal, instead_of.is_some(), at)
}

impl Waiting {
    /// Asks, on a thread that may block, and in no transaction.
    pub fn ask(&self, provider: &dyn Provider) -> Result<Proposal, ProviderError> {
        let talk = self.session.conversation.talk(&self.message, self.at.date_naive());
        let answer = provider.propose(&talk);
        if let Err(error) = &answer {
            tracing::warn!(session = self.session.session_id, %error, "the assistant's model did not answer");
        }
        answer
    }

    /// Puts down what came of it.
    pub fn settle(
        &self,
        conn: &mut PgConnection,
        whose: Whose,
        provider: &dyn Provider,
        answer: &Result<Proposal, ProviderError>,
    ) -> Result<(), TalkError> {
        let session = commands::hold(conn, whose)?;
        // It was deleted or claimed meanwhile, or the answer came so late that the next message was taken.
        let spoken = |session: &Session| session.conversation.turns.len();
        if session.id != self.session.id || !session.is_answering || spoken(&session) != spoken(&self.session)
        {
            return Err(TalkError::NoSession);
        }
        match answer {
            Ok(proposal) => {
                count(conn, proposal.usage)?;
                commands::take_message(conn, session, &self.message, proposal.clone(), false, self.at)?;
            }
            Err(_) => settle_here(conn, session, &self.message, provider.sends_to(), self.at)?,
        }
        Ok(())
    }
}
