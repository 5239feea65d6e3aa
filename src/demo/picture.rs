//! A drawn picture of a buyer's customer record, as a PNG: what agents attach as a screenshot.

use rand::Rng as _;

use super::{Dice, pick};

const WIDTH: usize = 960;
const HEIGHT: usize = 600;

/// Paper, ink, grey, light grey, line, bar, accent, green, amber, red.
const PALETTE: [[u8; 3]; 10] = [
    [255, 255, 255],
    [38, 42, 48],
    [120, 126, 134],
    [242, 243, 245],
    [216, 219, 224],
    [43, 62, 84],
    [47, 111, 171],
    [62, 140, 92],
    [196, 138, 32],
    [186, 62, 56],
];
const PAPER: u8 = 0;
const INK: u8 = 1;
const GREY: u8 = 2;
const LIGHT: u8 = 3;
const LINE: u8 = 4;
const BAR: u8 = 5;
const ACCENT: u8 = 6;

/// Letters of three by five dots; each digit holds the three dots of one row, from the top.
const LETTERS: &[(char, [u8; 5])] = &[
    ('A', [2, 5, 7, 5, 5]),
    ('B', [6, 5, 6, 5, 6]),
    ('C', [3, 4, 4, 4, 3]),
    ('D', [6, 5, 5, 5, 6]),
    ('E', [7, 4, 6, 4, 7]),
    ('F', [7, 4, 6, 4, 4]),
    ('G', [3, 4, 5, 5, 3]),
    ('H', [5, 5, 7, 5, 5]),
    ('I', [7, 2, 2, 2, 7]),
    ('J', [1, 1, 1, 5, 2]),
    ('K', [5, 5, 6, 5, 5]),
    ('L', [4, 4, 4, 4, 7]),
    ('M', [5, 7, 7, 5, 5]),
    ('N', [6, 5, 5, 5, 5]),
    ('O', [2, 5, 5, 5, 2]),
    ('P', [6, 5, 6, 4, 4]),
    ('Q', [2, 5, 5, 7, 3]),
    ('R', [6, 5, 6, 5, 5]),
    ('S', [3, 4, 2, 1, 6]),
    ('T', [7, 2, 2, 2, 2]),
    ('U', [5, 5, 5, 5, 7]),
    ('V', [5, 5, 5, 5, 2]),
    ('W', [5, 5, 7, 7, 5]),
    ('X', [5, 5, 2, 5, 5]),
    ('Y', [5, 5, 2, 2, 2]),
    ('Z', [7, 1, 2, 4, 7]),
    ('0', [7, 5, 5, 5, 7]),
    ('1', [2, 6, 2, 2, 7]),
    ('2', [6, 1, 2, 4, 7]),
    ('3', [6, 1, 2, 1, 6]),
    ('4', [5, 5, 7, 1, 1]),
    ('5', [7, 4, 6, 1, 6]),
    ('6', [3, 4, 7, 5, 7]),
    ('7', [7, 1, 2, 2, 2]),
    ('8', [7, 5, 7, 5, 7]),
    ('9', [7, 5, 7, 1, 6]),
    (':', [0, 2, 0, 2, 0]),
    ('.', [0, 0, 0, 0, 2]),
    ('-', [0, 0, 7, 0, 0]),
    ('(', [1, 2, 2, 2, 1]),
    (')', [4, 2, 2, 2, 4]),
    ('/', [1, 1, 2, 4, 4]),
    ('+', [0, 2, 7, 2, 0]),
    ('$', [3, 6, 2, 3, 6]),
    (',', [0, 0, 0, 2, 4]),
    ('\'', [2, 2, 0, 0, 0]),
];

struct Canvas(Vec<u8>);

impl Canvas {
    fn block(&mut self, (x, y): (usize, usize), (width, height): (usize, usize), colour: u8) {
        for row in self.0.chunks_exact_mut(WIDTH).skip(y).take(height) {
            for dot in row.iter_mut().skip(x).take(width) {
                *dot = colour;
            }
        }
    }

    fn text(&mut self, (x, y): (usize, usize), size: usize, text: &str, colour: u8) {
        for (place, letter) in text.to_uppercase().chars().enumerate() {
            let Some((_, rows)) = LETTERS.iter().find(|(known, _)| *known == letter) else {
                continue;
            };
            for (down, row) in rows.iter().enumerate() {
                for right in 0..3 {
                    if row & (4 >> right) != 0 {
                        let at = (x + (place * 4 + right) * size, y + down * size);
                        self.block(at, (size, size), colour);
                    }
                }
            }
        }
    }
}

/// A record of a caller: title, facts as (label, value), and a list of earlier contacts.
pub(super) fn screenshot(dice: &mut Dice, title: &str, facts: &[(&str, &str)], contacts: &[String]) -> Vec<u8> {
    let mut canvas = Canvas(vec![PAPER; WIDTH * HEIGHT]);
    canvas.block((0, 0), (WIDTH, 44), BAR);
    canvas.text((20, 14), 3, title, PAPER);
    canvas.block((WIDTH - 150, 12), (130, 20), ACCENT);
    canvas.block((0, 44), (170, HEIGHT - 44), LIGHT);
    let items = ["Today", "Callers", "Files", "Tasks", "Reports", "Team"];
    let current = dice.random_range(0..items.len());
    for (place, item) in items.iter().enumerate() {
        let y = 66 + place * 34;
        if place == current {
            canvas.block((0, y - 9), (170, 30), LINE);
            canvas.block((0, y - 9), (4, 30), ACCENT);
        }
        canvas.text((22, y), 2, item, if place == current { INK } else { GREY });
    }
    for (place, (label, value)) in facts.iter().enumerate() {
        let (x, y) = (200 + place % 2 * 370, 74 + place / 2 * 52);
        canvas.text((x, y), 2, label, GREY);
        canvas.text((x, y + 18), 3, value, INK);
        canvas.block((x, y + 40), (340, 1), LINE);
    }
    let top = 90 + facts.len().div_ceil(2) * 52;
    canvas.block((200, top), (730, 28), LIGHT);
    canvas.text((212, top + 9), 2, "Contacts", GREY);
    for (place, contact) in contacts.iter().enumerate() {
        let y = top + 42 + place * 32;
        let mark = pick(dice, &[7, 7, 8, 9]);
        canvas.block((212, y), (10, 10), mark);
        canvas.text((236, y), 2, contact, INK);
        // A note too small to read, as in any picture of a whole screen.
        let mut x = 600;
        while x < 880 {
            let word = dice.random_range(14..48);
            canvas.block((x, y + 3), (word, 4), LINE);
            x += word + 8;
        }
        canvas.block((200, y + 20), (730, 1), LINE);
    }
    encode(&canvas).unwrap_or_default()
}

fn encode(canvas: &Canvas) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let width = u32::try_from(WIDTH).unwrap_or(0);
    let height = u32::try_from(HEIGHT).unwrap_or(0);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(PALETTE.as_flattened());
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&canvas.0)?;
    writer.finish()?;
    Ok(bytes)
}
