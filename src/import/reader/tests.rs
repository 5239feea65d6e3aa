use rstest::rstest;

use super::*;

#[derive(Debug, PartialEq)]
struct Seen {
    line: u64,
    text: String,
}

fn seen(text: &[u8]) -> Result<(Vec<Seen>, Option<Layout>), ImportError> {
    let (mut rows, mut seen_layout) = (Vec::new(), None);
    read(&mut &text[..], &mut |layout, row| {
        let text = match row.content {
            Ok(Content { names, cells }) => {
                let text = |cell: &Cell<'_>| match cell {
                    Cell::Text(text) => text.clone().into_owned(),
                    Cell::Nested => "(nested)".to_owned(),
                };
                let pairs: Vec<_> =
                    names.iter().zip(&cells).map(|(name, cell)| format!("{name}={}", text(cell))).collect();
                pairs.join("|")
            }
            Err(broken) => format!("broken: {}, expected {}", broken.value, broken.expected),
        };
        rows.push(Seen { line: row.line, text });
        seen_layout = Some(layout.clone());
        ControlFlow::Continue(())
    })?;
    Ok((rows, seen_layout))
}

fn rows(text: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    let (rows, _) = seen(text.as_ref()).expect("rows");
    rows.into_iter().map(|seen| (seen.line, seen.text)).collect()
}

fn expected(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
    rows.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
}

#[rstest]
#[case::lf("a,b\n1,2\n3,4\n", &[(2, "a=1|b=2"), (3, "a=3|b=4")])]
#[case::crlf("a,b\r\n1,2\r\n3,4\r\n", &[(2, "a=1|b=2"), (3, "a=3|b=4")])]
#[case::no_last_newline("a,b\n1,2\n3,4", &[(2, "a=1|b=2"), (3, "a=3|b=4")])]
#[case::crlf_no_last_newline("a,b\r\n1,2\r\n3,4", &[(2, "a=1|b=2"), (3, "a=3|b=4")])]
#[case::byte_order_mark("\u{feff}a,b\n1,2\n", &[(2, "a=1|b=2")])]
#[case::semicolon("a;b\n1,5;2\n", &[(2, "a=1,5|b=2")])]
#[case::tab("a\tb\n1\t2\n", &[(2, "a=1|b=2")])]
#[case::delimiter_in_quotes("\"a;;;;\",b\n1,2\n", &[(2, "a;;;;=1|b=2")])]
#[case::one_column("a\n1\n", &[(2, "a=1")])]
#[case::quoted_newline("a,b\n\"x\ny\",2\n3,4\n", &[(2, "a=x\ny|b=2"), (4, "a=3|b=4")])]
#[case::quoted_crlf("a,b\r\n\"x\r\ny\",2\r\n3,\"4\"\r\n", &[(2, "a=x\r\ny|b=2"), (4, "a=3|b=4")])]
#[case::blank_lines("\n\na,b\n\n1,2\n\n \n,\n3,4\n\n", &[(5, "a=1|b=2"), (9, "a=3|b=4")])]
#[case::blank_lines_crlf("\r\na,b\r\n\r\n1,2\r\n\r\n3,4\r\n", &[(4, "a=1|b=2"), (6, "a=3|b=4")])]
#[case::quotes("a,b\n\"say \"\"hi\"\"\",2\n", &[(2, "a=say \"hi\"|b=2")])]
#[case::padded_headers(" a , b \n1,2\n", &[(2, "a=1|b=2")])]
#[case::too_few("a,b\n1\n", &[(2, "broken: 1 values, expected 2 values, one for each column")])]
#[case::too_many("a,b\n1,2,3\n", &[(2, "broken: 3 values, expected 2 values, one for each column")])]
#[case::empty_extras("a,b\n1,2,,\n", &[(2, "a=1|b=2")])]
fn csv_is_read_row_by_row(#[case] text: &str, #[case] wanted: &[(u64, &str)]) {
    assert_eq!(rows(text), expected(wanted));
}

#[rstest]
#[case::array("[{\"a\":1},\n{\"a\":\"x\"}]", &[(1, "a=1"), (2, "a=x")], &[])]
#[case::spread("[\n {\n  \"a\": 1\n },\n\n {\"a\": 2}\n]\n", &[(2, "a=1"), (6, "a=2")], &[])]
#[case::wrapped_rows("[{\"call\":{\"a\":1}},{\"call\":{\"a\":2},\"error\":\"x\"}]", &[(1, "a=1"), (1, "a=2")], &[])]
#[case::calls("{\"page\":1,\"calls\":[{\"a\":1}],\"next\":[{\"a\":9}]}", &[(1, "a=1")], &["calls"])]
#[case::report("{\"ok\":true,\n\"report\":{\"n\":1,\"records\":[\n{\"a\":1}]}}", &[(3, "a=1")], &["report", "records"])]
#[case::byte_order_mark("\u{feff}[{\"a\":1}]", &[(1, "a=1")], &[])]
#[case::no_rows("{\"calls\":[]}", &[], &[])]
#[case::one_object("{\n\"a\": 1,\n\"b\": \"x\"}", &[(1, "a=1|b=x")], &[])]
#[case::values("[{\"a\":null,\"b\":true,\"c\":5.00,\"d\":0.50,\"e\":[1],\"f\":{},\"g\":\"\\u00e9\\n\",\"h\":-1e3}]",
    &[(1, "a=|b=true|c=5|d=0.5|e=(nested)|f=(nested)|g=é\n|h=-1e3")], &[])]
#[case::not_objects("[1,\"x\",null,{\"a\":1}]", &[
    (1, "broken: 1, expected an object in JSON"), (1, "broken: \"x\", expected an object in JSON"),
    (1, "broken: null, expected an object in JSON"), (1, "a=1")], &[])]
fn json_is_read_row_by_row(#[case] text: &str, #[case] wanted: &[(u64, &str)], #[case] path: &[&str]) {
    assert_eq!(rows(text), expected(wanted));
    let (_, layout) = seen(text.as_bytes()).expect("rows");
    if let Some(layout) = layout {
        assert_eq!(layout, Layout::Json { path: path.iter().map(|name| (*name).to_owned()).collect() });
    }
}

#[test]
fn one_object_a_line_goes_on_after_a_broken_line() {
    let text = "{\"a\":1}\n\n{\"a\":\r\n{\"a\":{\"data\":[1]}}\n{\"call\":{\"a\":3}}";
    let wanted = [(1, "a=1"), (3, "broken: {\"a\":, expected an object in JSON"), (4, "a=(nested)"), (5, "a=3")];
    assert_eq!(rows(text), expected(&wanted));
    assert_eq!(seen(text.as_bytes()).expect("rows").1, Some(Layout::JsonLines));
}

#[test]
fn the_raw_row_of_a_csv_is_an_object_of_header_and_value() {
    let mut raws = Vec::new();
    read(&mut &b"a,a,\"b\"\"c\"\n1,\"x\ny\",\"\"\"\"\n1,2,3,4\n"[..], &mut |_, row| {
        raws.push(row.raw.into_owned());
        ControlFlow::Continue(())
    })
    .expect("rows");
    assert_eq!(raws, [r#"{"a":"1","a":"x\ny","b\"c":"\""}"#, r#"{"a":"1","a":"2","b\"c":"3","":"4"}"#]);
}

/// A file that never ends, of one piece of text after another.
struct Endless {
    start: &'static [u8],
    piece: &'static [u8],
    given: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let source = if self.given == 0 { self.start } else { self.piece };
        let count = source.len().min(buffer.len());
        buffer[..count].copy_from_slice(&source[..count]);
        self.given += count;
        assert!(self.given < 64 * MAX_ROW, "read far more than a row");
        Ok(count)
    }
}

#[rstest]
#[case::csv(b"a,b\n1,\"", b"text without an end ")]
#[case::csv_newlines(b"a,b\n1,2\n3,\"", b"text\n")]
#[case::json_text(b"[{\"a\":1},{\"a\":\"", b"text without an end ")]
#[case::json_nested(b"[{\"a\":1},\n", b"[[[[[[[[")]
#[case::json_line(b"{\"a\":1}\n{\"a\":\"", b"text without an end ")]
#[case::json_before_rows(b"{\"a\":[", b"1,1,1,1,")]
fn a_row_without_an_end_is_refused(#[case] start: &'static [u8], #[case] piece: &'static [u8]) {
    let mut file = Endless { start, piece, given: 0 };
    let result = read(&mut file, &mut |_, _| ControlFlow::Continue(()));
    assert!(matches!(result, Err(ImportError::RowTooLong { .. } | ImportError::BrokenJson { .. })), "{result:?}");
}

#[rstest]
#[case::csv(b"a,b\n", b"1,2\n3,4\n")]
#[case::json(b"[{\"a\":1}", b",{\"a\":1}")]
#[case::json_lines(b"{\"a\":1}\n", b"{\"a\":1}\n")]
fn rows_stream_without_an_end_of_the_file(#[case] start: &'static [u8], #[case] piece: &'static [u8]) {
    let mut file = Endless { start, piece, given: 0 };
    let mut count = 0;
    let result = read(&mut file, &mut |_, _| {
        count += 1;
        if count == 500_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(count, 500_000);
}

proptest::proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        odd in "[\\[\\]{}\",:a1\n\r;\t ]{0,80}",
    ) {
        let _ = seen(&bytes);
        let _ = seen(odd.as_bytes());
    }
}
