use rstest::rstest;

use super::*;

fn judged(name: &str, bytes: &[u8]) -> Result<&'static str, Unfit> {
    let mut watch = Watch::default();
    // In pieces, as they come from a socket.
    bytes.chunks(7).for_each(|piece| watch.see(piece));
    watch.judge(name).map(|kind| kind.media_type)
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const MAIL: &[u8] =
    b"From: a@example.com\r\nTo: b@example.com\r\nSubject: Call\r\nMIME-Version: 1.0\r\n\r\n<html>hello</html>";

#[rstest]
#[case("quote.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "application/pdf")]
#[case("shot.png", PNG, "image/png")]
#[case("shot.jpg", PNG, "image/png")]
#[case("SHOT.PNG", PNG, "image/png")]
#[case("shot", PNG, "image/png")]
#[case("photo.jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg")]
#[case("call.wav", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio/wav")]
#[case("call.mp3", b"ID3\x04\0\0\0\0\0\0", "audio/mpeg")]
#[case("call.m4a", b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom", "audio/mp4")]
#[case("call.mp4", b"\0\0\0\x20ftypisom\0\0\0\0isomiso2", "audio/mp4")]
#[case("note.txt", "heard nobody \u{2014} caf\u{e9} \u{1f4de}".as_bytes(), "text/plain")]
#[case("queue.csv", b"\xef\xbb\xbfcaller,at\r\n+1555,10:00\r\n", "text/csv")]
#[case("mail.eml", MAIL, "message/rfc822")]
#[case("note.txt", b"a < b, and 3 > 2; <agent@example.com> wrote", "text/plain")]
fn allowed_kinds_are_known_by_their_bytes(#[case] name: &str, #[case] bytes: &[u8], #[case] media_type: &str) {
    assert_eq!(judged(name, bytes), Ok(media_type));
}

#[rstest]
#[case("note.txt", b"", Unfit::Empty)]
#[case("callers-november.xlsm", b"PK\x03\x04\x14\0\x06\0", Unfit::Type)]
#[case("setup.exe", b"MZ\x90\0\x03\0\0\0", Unfit::Type)]
#[case("setup.txt", b"MZ\x90\0\x03\0\0\0", Unfit::Type)]
#[case("tool", b"\x7fELF\x02\x01\x01\0", Unfit::Type)]
#[case("a.zip", b"PK\x03\x04\x14\0\0\0", Unfit::Type)]
#[case("page.html", b"<p>hello", Unfit::Type)]
#[case("page.txt", b"  <!DOCTYPE html><p>hello", Unfit::Type)]
#[case("page.txt", b"hello <ScRiPt>alert(1)</script>", Unfit::Type)]
#[case("image.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", Unfit::Type)]
#[case("image.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", Unfit::Type)]
#[case("data.txt", b"<?xml version='1.0'?><a/>", Unfit::Type)]
#[case("run.txt", b"#!/bin/sh\nrm -rf /\n", Unfit::Type)]
#[case("run.sh", b"echo hello\n", Unfit::Type)]
#[case("run.bat", b"echo hello\n", Unfit::Type)]
#[case("invoice.pdf.exe", b"%PDF-1.7\n", Unfit::Type)]
#[case("late.pdf", b"hello %PDF-1.7\n", Unfit::Type)]
#[case("both.gif", b"GIF89a/*<script>alert(1)</script>*/", Unfit::Type)]
#[case("half.gif", b"GIF<script>", Unfit::Type)]
#[case("note.pdf", b"just text", Unfit::Misnamed)]
#[case("note.txt", PNG, Unfit::Misnamed)]
#[case("utf16.csv", b"\xff\xfea\0,\0b\0", Unfit::Type)]
#[case("cut.txt", b"caf\xc3", Unfit::Type)]
#[case("latin.txt", b"caf\xe9 au lait", Unfit::Type)]
#[case("mail.txt", MAIL, Unfit::Type)]
fn everything_else_is_refused(#[case] name: &str, #[case] bytes: &[u8], #[case] why: Unfit) {
    assert_eq!(judged(name, bytes), Err(why));
}

#[test]
fn text_is_watched_to_its_end() {
    let mut bytes = "caf\u{e9} ".repeat(10_000).into_bytes();
    assert_eq!(judged("long.txt", &bytes), Ok("text/plain"));
    bytes.push(0);
    assert_eq!(judged("long.txt", &bytes), Err(Unfit::Type));
}
