//! Words of which invented schools are made. Nobody and nowhere: each is a made-up compound.

/// First halves of places: no root of a real place name, so that no compound is one.
pub(super) const PLACE_FIRST: &[&str] = &[
    "Aldrin", "Arrowen", "Ashlin", "Barlet", "Birchen", "Bradlen", "Brinkel", "Bromlin", "Caldren",
    "Clifen", "Corlin", "Dassel", "Dunnel", "Elmren", "Fennic", "Gaydel", "Grendel", "Hamprel",
    "Hartlin", "Hazelin", "Hollen", "Kettrel", "Knighten", "Lapwin", "Larkel", "Leamrin",
    "Longwin", "Marlin", "Merrel", "Nethren", "Nunnel", "Oakren", "Oxlin", "Priorel", "Quintren",
    "Rowlin", "Sallow", "Snittel", "Stockren", "Tannel", "Thornel", "Tysel", "Ulvren", "Walrin",
    "Wappel", "Welkin", "Whitlin", "Wilren", "Wolfren", "Wychel",
];

/// Second halves of places.
pub(super) const PLACE_SECOND: &[&str] = &[
    "brook", "bourne", "bury", "combe", "cote", "croft", "dale", "den", "ditch", "field", "ford",
    "grove", "ham", "hanger", "hurst", "ington", "lea", "ley", "low", "marsh", "mead", "mere",
    "minster", "more", "ness", "over", "pool", "ridge", "rook", "shaw", "stead", "stow", "thorpe",
    "ton", "wash", "water", "well", "wick", "wold", "worth",
];

/// What may stand before a place.
pub(super) const PREFIXES: &[&str] =
    &["", "", "", "", "", "", "Upper ", "Lower ", "Great ", "Little ", "Nether ", "Temple "];

/// Towns of the invented county.
pub(super) const TOWNS: &[&str] = &[
    "Arrowminster",
    "Brinkwater",
    "Caldeford",
    "Dunsmere",
    "Elmwick",
    "Fenbridge",
    "Grendon Wold",
    "Harting Spa",
    "Kettlestow",
    "Larkhampton",
    "Nunbury",
    "Wychmarket",
];

/// Districts of the invented county.
pub(super) const DISTRICTS: &[&str] =
    &["North Arden Vale", "Dunsmere and Fen", "Harting District", "Wychmarket", "Arrow Valley"];

/// Multi-academy trusts; the first is the one that `storm` strikes.
pub(super) const TRUSTS: &[&str] = &[
    "Thornstow Learning Trust",
    "Arrow Valley Academies",
    "The Quintford Partnership",
    "Larkmead Schools Trust",
    "Three Spires of Wych Trust",
    "Oxwater Education Trust",
    "Saints of the Vale Academy Trust",
    "Dunsmere Together",
];

/// Patrons of church schools; nobody's.
pub(super) const SAINTS: &[&str] = &[
    "St Wilfreda's",
    "St Osgyth's",
    "St Edburga's",
    "All Hallows",
    "Holy Well",
    "St Cuthwin's",
    "St Modwen's",
    "St Kenelm's",
];

/// Names that the vendors' replies hold and that the console must never keep, show or log. They
/// are unlike any other word of the demo, so that a test can look for them.
pub const PERSONAL_NAMES: &[&str] =
    &["Ottilie Quillfeather", "Barnaby Thistlewick", "Perpetua Gloam", "Zebedee Wrackstraw"];
