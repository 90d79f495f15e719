//! The routes of accounts: whoever may act may look, and a name is given only when its showing was
//! recorded.

use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;

use crate::agent::guarded::{Body, Counter, read};
use crate::agent::peers::PeerId;
use crate::agent::problem::{Refusal, json};
use crate::model::plan::Aim;
use crate::model::text::Clean;
use crate::ports::accounts::Accounts;
use crate::ports::act::Refused;
use crate::wire::VERSION;
use crate::wire::account::{AskAccount, FindAccounts, FoundAccounts, ShownAccount};

type Answer = Result<Response, Refusal>;

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match refused {
            Refused::Protected(_) => Self::forbidden(&text),
            Refused::NotOne(_) | Refused::Already(_) => Self::not_found(&text),
            Refused::Choice(_) => Self::bad_request(&text),
            Refused::CannotRead(_) => Self::busy(&text),
        }
    }
}

/// The routes.
pub(super) fn router(counter: Arc<Counter>) -> Router {
    Router::new()
        .route("/v1/accounts/find", post(find))
        .route("/v1/accounts/page", post(page))
        .with_state(counter)
}

impl Counter {
    /// Where accounts are looked up, for whoever may; where names are to be shown, that is recorded.
    async fn accounts(
        &self,
        peer: PeerId,
        about: &Aim,
        show: bool,
        why: &Clean,
    ) -> Result<Arc<dyn Accounts>, Refusal> {
        let who = self.who(peer).await?;
        let guard = self.guard()?;
        guard.may_look(&who)?;
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner).clone();
        let accounts = accounts.ok_or_else(|| {
            Refusal::not_found(
                "no accounts can be looked up: set services.welearn365.directory to the Active \
                 Directory's controllers",
            )
        })?;
        if show && why.is_empty() {
            return Err(Refusal::bad_request("say why names are to be shown: it is recorded"));
        }
        if show {
            guard.unmask(&who, about, why).await?;
        }
        Ok(accounts)
    }
}

async fn find(
    State(at): State<Arc<Counter>>,
    Extension(peer): Extension<PeerId>,
    body: Body,
) -> Answer {
    let asked: FindAccounts = read(body)?;
    let about = Aim::School(asked.school);
    let accounts = at.accounts(peer, &about, asked.show, &asked.why).await?;
    let found = accounts.find(asked.school, &asked.part, asked.show).await?;
    let as_of = at.clock.now();
    Ok(json(StatusCode::OK, &FoundAccounts { version: VERSION, as_of, found }))
}

async fn page(
    State(at): State<Arc<Counter>>,
    Extension(peer): Extension<PeerId>,
    body: Body,
) -> Answer {
    let asked: AskAccount = read(body)?;
    let Aim::Account(school, name) = &asked.account else {
        return Err(Refusal::bad_request("name an account: LAESTAB/guid:ID or LAESTAB/sam:LOGIN"));
    };
    let accounts = at.accounts(peer, &asked.account, asked.show, &asked.why).await?;
    let page = accounts.page(*school, name, asked.show).await?;
    let as_of = at.clock.now();
    Ok(json(StatusCode::OK, &ShownAccount { version: VERSION, as_of, page }))
}
