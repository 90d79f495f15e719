//! Finding a school from what a caller says: a part of its name, its town, a number, an address.
//!
//! Forgiving where the filter is exact: a filter decides what is acted on, this only what is looked at.

use strsim::osa_distance;

/// Letters from which on a word may be mistyped.
const LONG_ENOUGH: usize = 4;
/// Letters from which on a word may be mistyped twice.
const LONG: usize = 6;
/// Digits from which on a number may have one slip; letters from which on an address may have two.
const LONG_NUMBER: usize = 6;
/// Letters of a piece that may stand in the middle of a word; digits of a number.
const PIECE: usize = 3;

/// What is known of a school. Texts are empty where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// Name.
    pub name: &'a str,
    /// Town.
    pub town: &'a str,
    /// Trust.
    pub trust: &'a str,
    /// Postcode.
    pub postcode: &'a str,
    /// Telephone, with whatever blanks it is written.
    pub telephone: &'a str,
    /// Web address.
    pub website: &'a str,
    /// LAESTAB.
    pub laestab: u32,
    /// The register's number.
    pub urn: Option<u32>,
}

/// The schools that fit, the best first; of equals the one that comes first. Slips of the finger are
/// forgiven only where nothing fits without.
pub fn find<'a, K>(said: &str, schools: impl Iterator<Item = (K, Known<'a>)> + Clone) -> Vec<K> {
    let wanted = Wanted::new(said);
    for slips in [false, true] {
        let fits =
            schools.clone().filter_map(|(key, school)| Some((wanted.misfit(&school, slips)?, key)));
        let mut found: Vec<(u32, K)> = fits.collect();
        if !found.is_empty() {
            found.sort_by_key(|(misfit, _)| *misfit);
            return found.into_iter().map(|(_, key)| key).collect();
        }
    }
    Vec::new()
}

/// What was said, in the three ways in which it can be meant.
struct Wanted {
    words: Vec<String>,
    digits: Option<String>,
    host: Option<String>,
}

impl Wanted {
    fn new(said: &str) -> Self {
        let is_number = said.chars().all(|c| c.is_ascii_digit() || " /-+()".contains(c));
        let digits = digits(said);
        Self {
            words: words(said).collect(),
            digits: (is_number && digits.len() >= PIECE).then_some(digits),
            host: host(said).filter(|host| host.contains('.') || said.contains('@')),
        }
    }

    /// How badly a school fits, 0 for what was said to the letter; `None` if it does not.
    fn misfit(&self, school: &Known<'_>, slips: bool) -> Option<u32> {
        let number = self.digits.as_deref().and_then(|wanted| number(wanted, school, slips));
        let host = self.host.as_deref().and_then(|wanted| same_host(wanted, school, slips));
        [number, host, self.by_words(school, slips)].into_iter().flatten().min()
    }

    /// Every word has to fit somewhere.
    fn by_words(&self, school: &Known<'_>, slips: bool) -> Option<u32> {
        let name: Vec<String> = words(school.name).collect();
        if let [one] = self.words.as_slice()
            && one.len() >= PIECE
            && initials(&name).starts_with(one.as_str())
        {
            return Some(2);
        }
        let others = [school.town, school.trust, school.postcode];
        let others: Vec<String> = others.into_iter().flat_map(words).collect();
        let postcode = words(school.postcode).collect::<String>();
        if self.words.is_empty() {
            return (!slips).then_some(0);
        }
        self.words.iter().try_fold(0, |sum, wanted| {
            let in_name = name
                .iter()
                .enumerate()
                .filter_map(|(n, word)| Some(like(wanted, word, slips)? + u32::from(n > 0)));
            let beside = others
                .iter()
                .chain([&postcode])
                .filter_map(|word| Some(like(wanted, word, slips)? + 6));
            Some(sum + in_name.chain(beside).min()?)
        })
    }
}

/// How far a word that was typed is from one that is known.
fn like(wanted: &str, word: &str, slips: bool) -> Option<u32> {
    if wanted == word {
        return Some(0);
    }
    if word.starts_with(wanted) {
        return Some(2);
    }
    if wanted.len() >= PIECE && word.contains(wanted) {
        return Some(8);
    }
    if slips { slipped(wanted, word) } else { None }
}

/// A letter too many, too few, another one, or two that changed places, in the beginning of a word; what
/// has a digit in it is taken as it is.
fn slipped(wanted: &str, word: &str) -> Option<u32> {
    let length = wanted.chars().count();
    let same_start = wanted.chars().take(2).any(|c| word.starts_with(c));
    let is_number = word.contains(|c: char| c.is_ascii_digit());
    if length < LONG_ENOUGH || !same_start || is_number {
        return None;
    }
    let most = if length < LONG { 1 } else { 2 };
    let ends = word.char_indices().map(|(at, c)| at + c.len_utf8()).enumerate();
    let near = ends.filter(|(n, _)| (n + 1).abs_diff(length) <= most);
    let beginnings = near.filter_map(|(_, end)| word.get(..end));
    let distance = beginnings.map(|part| osa_distance(wanted, part)).min()?;
    let distance = u32::try_from(distance).ok()?;
    (distance <= u32::try_from(most).ok()?).then_some(12 + distance)
}

/// Lower case, without apostrophes; a saint is a saint however it is written.
fn words(text: &str) -> impl Iterator<Item = String> {
    let plain: String =
        text.to_lowercase().chars().filter(|c| !matches!(c, '\'' | '\u{2019}')).collect();
    let words: Vec<String> = plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| if word == "saint" { "st" } else { word }.to_owned())
        .collect();
    words.into_iter()
}

fn initials(words: &[String]) -> String {
    words.iter().filter_map(|word| word.chars().next()).collect()
}

/// The digits of a number; a telephone's country becomes the 0 that it stands for.
fn digits(text: &str) -> String {
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    match all.strip_prefix("44") {
        Some(rest) if text.trim_start().starts_with('+') => {
            format!("0{}", rest.trim_start_matches('0'))
        }
        _ => all,
    }
}

fn number(wanted: &str, school: &Known<'_>, slips: bool) -> Option<u32> {
    let laestab = format!("{:07}", school.laestab);
    let urn = school.urn.map(|urn| urn.to_string()).unwrap_or_default();
    let telephone = digits(school.telephone);
    let whole = [laestab.as_str(), urn.as_str(), telephone.as_str()];
    if whole.contains(&wanted) {
        return Some(0);
    }
    // The number within the authority is what many know their school by.
    if laestab.get(3..) == Some(wanted) {
        return Some(1);
    }
    if whole.iter().any(|known| known.starts_with(wanted)) {
        return Some(2);
    }
    if wanted.len() >= LONG_ENOUGH && telephone.contains(wanted) {
        return Some(4);
    }
    // Two digits that changed places, one that is wrong, one too many or too few.
    let is_near = || whole.iter().any(|known| osa_distance(wanted, known) <= 1);
    (slips && wanted.len() >= LONG_NUMBER && is_near()).then_some(14)
}

/// The host of a web or mail address, in lower case.
fn host(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let after = text.rsplit_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let after = after.split(['/', '?', '#']).next()?;
    let after = after.rsplit_once('@').map_or(after, |(_, host)| host);
    let host = after.split(':').next()?.trim_end_matches('.');
    let host = host.strip_prefix("www.").unwrap_or(host);
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || ".-".contains(c));
    is_host.then(|| host.to_owned())
}

fn same_host(wanted: &str, school: &Known<'_>, slips: bool) -> Option<u32> {
    let known = host(school.website)?;
    if known == wanted {
        return Some(0);
    }
    let inside =
        |long: &str, short: &str| long.strip_suffix(short).is_some_and(|r| r.ends_with('.'));
    if known.starts_with(wanted) || inside(wanted, &known) {
        return Some(2);
    }
    let distance = u32::try_from(osa_distance(wanted, &known)).ok()?;
    (slips && wanted.len() >= LONG_NUMBER && distance <= 2).then_some(14 + distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHOOLS: [Known<'static>; 5] = [
        known(
            "Abbots Green Primary School",
            "Northwick",
            "01632 960101",
            "https://www.abbotsgreen.example/",
            9_372_041,
            125_001,
        ),
        known(
            "St. Mary's C of E Primary",
            "Easterby",
            "+44 1632 960202",
            "http://stmarys.sch.example",
            9_372_042,
            125_002,
        ),
        known("Green Lane Infants", "Abbots Vale", "", "", 9_373_001, 125_003),
        known(
            "Holly Bank Infants",
            "Northwick",
            "01632 960404",
            "www.hollybank.example",
            9_373_002,
            125_004,
        ),
        known("Willoughbridge High School", "Midford", "01632 960505", "", 9_374_001, 125_005),
    ];

    const fn known(
        name: &'static str,
        town: &'static str,
        telephone: &'static str,
        website: &'static str,
        laestab: u32,
        urn: u32,
    ) -> Known<'static> {
        Known {
            name,
            town,
            trust: "",
            postcode: "ZZ9 9ZZ",
            telephone,
            website,
            laestab,
            urn: Some(urn),
        }
    }

    fn found(said: &str) -> Vec<usize> {
        find(said, SCHOOLS.iter().copied().enumerate())
    }

    #[test]
    fn by_name_the_beginning_of_a_word_before_its_middle_and_the_town_after_the_name() {
        assert_eq!(found("abbots"), [0, 2]);
        assert_eq!(found("gree abb"), [0, 2]);
        assert_eq!(found("green"), [2, 0], "the first word of a name counts most");
        assert_eq!(found("oll"), [3]);
        assert_eq!(found("infants northwick"), [3]);
        assert_eq!(found("agp"), [0], "initials");
        assert_eq!(found("saint marys"), [1]);
        assert_eq!(found("st mary\u{2019}s"), [1]);
        assert!(found("nowhere").is_empty());
        assert_eq!(found("  ").len(), 5);
    }

    #[test]
    fn slips_of_the_finger_are_forgiven_only_where_nothing_fits() {
        for slip in ["abbtos", "abotts", "abbosts", "babots", "abbets gren"] {
            assert_eq!(found(slip).first(), Some(&0), "{slip}");
        }
        assert_eq!(found("wiloughbrigde"), [4], "two slips in a long word");
        assert_eq!(found("hlly"), [3]);
        assert!(found("hly").is_empty(), "short words are taken as they are");
        assert!(found("xxbots").is_empty());
        assert!(found("zzzzzz").is_empty(), "not nearly the postcode");
        assert_eq!(found("holly"), [3], "nothing that is merely near");
    }

    #[test]
    fn by_number_whatever_number_it_is() {
        assert_eq!(found("9372041"), [0]);
        assert_eq!(found("937 2041"), [0]);
        assert_eq!(found("937/2041"), [0]);
        assert_eq!(found("2041"), [0]);
        assert_eq!(found("125003"), [2]);
        assert_eq!(found("01632 960202"), [1]);
        assert_eq!(found("+44 (0)1632 960101"), [0]);
        assert_eq!(found("960404"), [3]);
        assert_eq!(found("9373"), [2, 3]);
    }

    #[test]
    fn a_slip_in_a_number_or_an_address_is_forgiven_only_where_nothing_fits() {
        for slip in ["9372014", "93720411", "972041", "01632 960110", "0163 2960101"] {
            assert_eq!(found(slip), [0], "{slip}");
        }
        assert_eq!(found("9372043"), [0, 1], "near two of them: both are offered");
        assert_eq!(found("9372042"), [1], "nothing that is merely near");
        for other in ["9327014", "2014", "99999", "01632 960000"] {
            assert!(found(other).is_empty(), "{other}");
        }
        assert_eq!(found("office@abotsgreen.exmaple"), [0]);
        assert_eq!(found("www.hollybnk.example"), [3]);
        assert!(found("office@abtsgren.exmaple").is_empty(), "three slips");
    }

    #[test]
    fn by_the_address_of_the_site_or_of_a_mail() {
        assert_eq!(found("office@abbotsgreen.example"), [0]);
        assert_eq!(found("head@mail.stmarys.sch.example"), [1]);
        assert_eq!(found("https://hollybank.example/contact"), [3]);
        assert_eq!(found("stmarys.sch"), [1]);
        assert!(found("x@notabbotsgreen.example").is_empty());
    }
}
