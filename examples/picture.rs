//! Draws the board of a running agent as an SVG, for the README:
//! `cargo run --example picture -- SOCKET FILE [THEME]`; `scripts/picture` does all of it.

use std::path::Path;
use std::time::Duration;

use caretaker::link::Link;
use caretaker::tui::{Form, picture};
use caretaker::wire::Health;

/// Columns and rows of the picture.
const SIZE: (u16, u16) = (100, 30);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(socket), Some(file)) = (args.next(), args.next()) else {
        return Err("usage: picture SOCKET FILE [THEME]".into());
    };
    let theme = args.next().unwrap_or_else(|| "dark".to_owned());
    caretaker::transport::install_tls();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let svg = runtime.block_on(async {
        let link = Link::new(Path::new(&socket))?;
        let mut board = link.board().await?;
        while !board.settled {
            tokio::time::sleep(Duration::from_millis(200)).await;
            board = link.board().await?;
        }
        let mut pages = Vec::new();
        for school in &board.schools {
            if school.cells.iter().any(|c| c.health == Health::Critical) {
                pages.push(link.page(Some(school.laestab)).await?);
            }
        }
        Ok::<_, Box<dyn std::error::Error>>(picture(board, pages, SIZE, &theme, &[], Form::Svg)?)
    })?;
    std::fs::write(file, svg)?;
    Ok(())
}
