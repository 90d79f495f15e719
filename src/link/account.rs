//! Accounts through the agent.

use crate::link::{Link, LinkError, same_version};
use crate::wire::account::{AskAccount, FindAccounts, FoundAccounts, ShownAccount};

impl Link {
    /// Accounts of one school by a part of a name.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn find_accounts(&self, asked: &FindAccounts) -> Result<FoundAccounts, LinkError> {
        let found: FoundAccounts = self.post("/v1/accounts/find", asked).await?;
        same_version(found.version)?;
        Ok(found)
    }

    /// How one account stands.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn account(&self, asked: &AskAccount) -> Result<ShownAccount, LinkError> {
        let shown: ShownAccount = self.post("/v1/accounts/page", asked).await?;
        same_version(shown.version)?;
        Ok(shown)
    }
}
