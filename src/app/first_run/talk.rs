//! Questions and answers, a line each: the same for a person at a terminal, a screen reader and a test.

use std::io::{BufRead, Write};

use crate::cli::wrap;

/// The input ended, or its end was asked for: nothing is written.
#[derive(Debug)]
pub struct Left;

impl From<std::io::Error> for Left {
    fn from(error: std::io::Error) -> Self {
        tracing::debug!("the set-up cannot go on: {error}");
        Self
    }
}

/// Who asks, and who answers.
pub struct Talk<'a> {
    /// What is typed.
    pub input: &'a mut dyn BufRead,
    /// What is said.
    pub out: &'a mut dyn Write,
    /// Columns of a line; longer ones are broken between words.
    pub columns: usize,
}

impl Talk<'_> {
    /// What is said, in lines that fit, below the first letter of the first.
    fn broken(&self, line: &str) -> String {
        let mut out = String::new();
        for line in line.split('\n') {
            let text = line.trim_start();
            let (mark, _) = line.split_at(line.len() - text.len());
            wrap(&mut out, text, mark, mark.len(), self.columns);
        }
        out
    }

    /// Says a line.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn say(&mut self, line: &str) -> Result<(), Left> {
        Ok(self.out.write_all(self.broken(line).as_bytes())?)
    }

    /// Asks for a line; without blanks around it.
    ///
    /// # Errors
    /// When the input has ended.
    pub fn ask(&mut self, question: &str) -> Result<String, Left> {
        write!(self.out, "{} ", self.broken(&format!("{question} >")).trim_end())?;
        self.out.flush()?;
        let mut line = String::new();
        if self.input.read_line(&mut line)? == 0 {
            return Err(Left);
        }
        Ok(line.trim().to_owned())
    }

    /// Asks until the answer is yes or no.
    ///
    /// # Errors
    /// When the input has ended.
    pub fn agrees(&mut self, question: &str) -> Result<bool, Left> {
        loop {
            match self.ask(&format!("{question} yes or no"))?.to_lowercase().as_str() {
                "yes" | "y" => return Ok(true),
                "no" | "n" => return Ok(false),
                _ => self.say("  type yes, or no")?,
            }
        }
    }
}
