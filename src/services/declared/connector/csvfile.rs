//! A CSV file as rows: a header that names the columns, and cells that are text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::services::declared::jq::{MOST_ROWS, Outcome, Row};

/// The rows of a file, and the cells of those that cannot be read.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    pub(super) slipped: Vec<Slipped>,
}

/// The cells of a row with too few or too many of them. None of them is believed, but one may say whose
/// row it is.
pub(super) type Slipped = Vec<String>;

/// Reads `text`; `columns` are names within a row, by the columns that they come from.
///
/// # Errors
/// Why it cannot be read as a whole, without its content.
pub(super) fn read(
    text: &str,
    delimiter: u8,
    columns: &BTreeMap<String, String>,
) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers().map_err(|_| "its header cannot be read".to_owned())?.clone();
    let mut places = BTreeMap::new();
    for (name, column) in columns {
        let same = |h: &&str| h.trim().eq_ignore_ascii_case(column.trim());
        let mut found = header.iter().enumerate().filter(|(_, h)| same(h));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => drop(places.insert(name, at)),
            (Some(_), Some(_)) => return Err(format!("column {column} stands there twice")),
            (None, _) => return Err(format!("column {column} is missing")),
        }
    }
    let mut table = Table { rows: Vec::new(), slipped: Vec::new() };
    for record in reader.records() {
        if table.rows.len() + table.slipped.len() >= MOST_ROWS {
            return Err(format!("it has more than {MOST_ROWS} rows"));
        }
        let Ok(record) = record else {
            table.slipped.push(Slipped::new());
            continue;
        };
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if record.len() != header.len() {
            table.slipped.push(record.iter().map(|cell| cell.trim().to_owned()).collect());
            continue;
        }
        let cell = |at: usize| match record.get(at).unwrap_or_default().trim() {
            "" => Value::Null,
            text => Value::String(text.to_owned()),
        };
        let row = places.iter().map(|(name, at)| ((*name).clone(), Outcome::Value(cell(*at))));
        table.rows.push(row.collect());
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(text: &str) -> Result<Table, String> {
        let columns = [("key", "School"), ("numbers.pupils", "Pupils")];
        let columns = columns.map(|(n, c)| (n.to_owned(), c.to_owned()));
        read(text, b',', &columns.into())
    }

    #[test]
    fn finds_its_columns_in_any_order_and_case() {
        let read = table("\u{feff}pupils,x, SCHOOL \n12,,9990001\n,\"a,b\",\"9990002\"\n\n,,\n");
        let read = read.unwrap();
        assert_eq!((read.rows.len(), read.slipped.len()), (2, 0));
        assert_eq!(read.rows[0]["key"], Outcome::Value(json!("9990001")));
        assert_eq!(read.rows[0]["numbers.pupils"], Outcome::Value(json!("12")));
        assert_eq!(read.rows[1]["numbers.pupils"], Outcome::Value(Value::Null));
    }

    #[test]
    fn a_row_that_slipped_is_not_believed() {
        let read = table("School,Pupils\n9990001,1,234\n9990002\n9990003,5\n").unwrap();
        assert_eq!(read.rows.len(), 1);
        assert_eq!(read.slipped, [vec!["9990001", "1", "234"], vec!["9990002"]]);
    }

    #[test]
    fn a_header_that_fits_badly_is_told() {
        assert_eq!(table("School\n1\n").unwrap_err(), "column Pupils is missing");
        assert_eq!(
            table("School,Pupils,pupils\n").unwrap_err(),
            "column Pupils stands there twice"
        );
        assert_eq!(table("").unwrap_err(), "column School is missing");
    }
}
