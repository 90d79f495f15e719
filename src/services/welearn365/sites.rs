//! A school's SharePoint site: there, gone, locked, archived.
//!
//! Fields that the verdict reads: `id`, `webUrl`, and of `siteCollection` `archivalDetails` and
//! `archiveStatus`, which are absent where a site is in use.

use serde::Deserialize;
use url::Url;

use crate::model::health::Reason;
use crate::model::observation::{Observation, Verdict};
use crate::services::answer::{Seen, Trouble, json};
use crate::services::welearn365::error::{Said, believed, with_facts};
use crate::services::welearn365::words::with;
use crate::transport::{Reply, Request};

/// The right for a site.
const RIGHT: &str = "a right for this site (Sites.Selected with a grant for it, or Sites.Read.All)";

/// A SharePoint site by host and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    host: String,
    path: String,
}

impl Site {
    /// From `https://host/sites/name` or `host:/sites/name`; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let url = match text.split_once(":/") {
            Some((host, path)) if !path.starts_with('/') => format!("https://{host}/{path}"),
            _ => text.to_owned(),
        };
        let url = Url::parse(&url).ok()?;
        let plain = url.scheme() == "https"
            && url.port().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        let path = url.path().trim_end_matches('/').to_owned();
        let host = url.host_str()?.to_owned();
        (plain && host.contains('.') && !path.contains(':')).then_some(Self { host, path })
    }

    /// The call that asks for it. `archivalDetails` comes only when it is selected.
    pub(super) fn request(&self) -> Request {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        Request::get(&format!("sites/{}:{path}", self.host))
            .query("$select", "id,webUrl,siteCollection")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SiteAnswer {
    id: Seen<String>,
    web_url: Seen<String>,
    site_collection: Seen<Collection>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Collection {
    archival_details: Seen<Archival>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Archival {
    archive_status: Seen<String>,
}

/// What the answer says of a school's site; `bare` is made for an answer.
pub(super) fn site(
    reply: Reply,
    asked: &Site,
    bare: impl Fn(&Reply) -> Observation,
) -> Result<Observation, Trouble> {
    let said = Said::of(&reply);
    // A 404 or a lock of a proxy says nothing of a site.
    let by_graph = said.as_ref().is_some_and(Said::has_code);
    let critical = |words: &str| Ok(with(bare(&reply), Verdict::Critical, words));
    match reply.status {
        404 if by_graph => {
            return critical(&format!("there is no site {}{}", asked.host, asked.path));
        }
        423 if by_graph => {
            return critical(
                "the school's site is locked: nobody can open it until a SharePoint administrator \
                 unlocks it",
            );
        }
        403 if by_graph => {
            let why = format!(
                "Microsoft refused: our app lacks {RIGHT}, or the site is locked against everybody"
            );
            let trouble = Trouble::new(Reason::Unauthorised, why);
            return Err(with_facts(trouble, &reply, said.as_ref()));
        }
        400 if by_graph => {
            let trouble = Trouble::malformed(format!(
                "Microsoft does not take {} for a site of this tenant: check the column \
                 welearn365.site",
                asked.host
            ));
            return Err(with_facts(trouble, &reply, said.as_ref()));
        }
        _ => {}
    }
    let reply = believed(reply, RIGHT)?;
    let answer: SiteAnswer = json(&reply)?;
    // Graph's id of a site begins with its host: `host,guid,guid`.
    let id = answer.id.need("id")?;
    let found = Site::parse(&answer.web_url.need("webUrl")?);
    let is_it = |s: &Site| {
        s.host.eq_ignore_ascii_case(&asked.host) && s.path.eq_ignore_ascii_case(&asked.path)
    };
    let of_host = id.split(',').next().is_some_and(|h| h.eq_ignore_ascii_case(&asked.host));
    if !found.as_ref().is_some_and(is_it) || !of_host {
        return Err(Trouble::malformed("Microsoft answered for another site"));
    }
    let (verdict, words) = archived(answer.site_collection)?;
    Ok(with(bare(&reply), verdict, words))
}

/// What stands in `siteCollection`; absent is the documented form of a site in use.
fn archived(collection: Seen<Collection>) -> Result<(Verdict, &'static str), Trouble> {
    let there = (Verdict::Ok, "the school's site is there");
    let details = match collection {
        Seen::Missing | Seen::Null => return Ok(there),
        other => other.need("siteCollection")?.archival_details,
    };
    let status = match details {
        Seen::Missing | Seen::Null => return Ok(there),
        other => other.need("archivalDetails")?.archive_status.need("archiveStatus")?,
    };
    Ok(match status.to_ascii_lowercase().as_str() {
        "recentlyarchived" | "fullyarchived" => (
            Verdict::Critical,
            "the school's site is archived: nobody can open it until a SharePoint administrator \
             reactivates it",
        ),
        "reactivating" => {
            (Verdict::Warning, "the school's site is being brought back from the archive")
        }
        _ => {
            return Err(Trouble::malformed(
                "Microsoft gives the site an archive state that we do not know",
            )
            .fact("vendor wrote", status));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_an_https_address_or_graphs_own_form() {
        let site = Site::parse("https://welearn.example.com/sites/oak/").unwrap();
        assert_eq!((site.host.as_str(), site.path.as_str()), ("welearn.example.com", "/sites/oak"));
        assert_eq!(Site::parse("welearn.example.com:/sites/oak"), Some(site));
        for bad in [
            "",
            "oak",
            "http://welearn.example.com/sites/oak",
            "https://a@b.c/sites/x",
            "https://localhost/x",
        ] {
            assert_eq!(Site::parse(bad), None, "{bad}");
        }
    }
}
