//! Files that must not be kept, and names that must do no harm.

/// Names and bytes; none of them may be stored.
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: &[u8]| files.push((name.to_owned(), bytes.to_vec()));
    let pages: [&[u8]; 12] = [
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<html><body onload=alert(1)>",
        b"\xef\xbb\xbf  \n<HTML>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg onload='alert(1)'/>",
        b"<?xml version='1.0'?><?xml-stylesheet href='javascript:alert(1)'?><a/>",
        b"note\n<script src=//evil.example></script>",
        b"<iframe src='//evil.example'>",
        b"<img src=x onerror=alert(1)>",
        b"<?php system($_GET['x']); ?>",
        b"<!-- hidden --><p>hello",
        b"text <object data='x.swf'>",
    ];
    for page in pages {
        for name in ["page.txt", "page.html", "page.svg"] {
            add(name, page);
        }
    }
    let programs: [(&str, &[u8]); 14] = [
        ("setup.exe", b"MZ\x90\0\x03\0\0\0\x04\0"),
        ("setup.txt", b"MZ\x90\0\x03\0\0\0\x04\0"),
        ("tool", b"\x7fELF\x02\x01\x01\0\0\0\0\0"),
        ("tool.png", b"\x7fELF\x02\x01\x01\0\0\0\0\0"),
        ("tool.mach", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
        ("A.class", b"\xca\xfe\xba\xbe\0\0\0\x37"),
        ("run.sh", b"#!/bin/sh\nid\n"),
        ("run.txt", b"#!/usr/bin/env python3\nprint(1)\n"),
        ("run.bat", b"@echo off\ndel *.*\n"),
        ("run.ps1", b"Get-Process\n"),
        ("run.vbs", b"MsgBox 1\n"),
        ("run.js", b"alert(1)\n"),
        ("link.lnk", b"L\0\0\0\x01\x14\x02\0"),
        ("code.wasm", b"\0asm\x01\0\0\0"),
    ];
    for (name, bytes) in programs {
        add(name, bytes);
    }
    let archives: [(&str, &[u8]); 12] = [
        ("a.zip", b"PK\x03\x04\x14\0\0\0\x08\0"),
        ("a.pdf", b"PK\x03\x04\x14\0\0\0\x08\0"),
        ("book.xlsm", b"PK\x03\x04\x14\0\x06\0\x08\0"),
        ("book.docm", b"PK\x03\x04\x14\0\x06\0\x08\0"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.gz", b"\x1f\x8b\x08\0\0\0\0\0"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
        ("a.rar", b"Rar!\x1a\x07\0"),
        ("a.xz", b"\xfd7zXZ\0\0"),
        ("a.bz2", b"BZh91AY&SY"),
        ("a.zst", b"\x28\xb5\x2f\xfd\0\0"),
        ("data.sqlite", b"SQLite format 3\0"),
    ];
    for (name, bytes) in archives {
        add(name, bytes);
    }
    let disguised: [(&str, &[u8]); 18] = [
        ("invoice.pdf.exe", b"%PDF-1.7\n"),
        ("invoice.png.html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("invoice\u{202e}fdp.exe", b"%PDF-1.7\n"),
        ("photo.png.svg", b"\x89PNG\r\n\x1a\n"),
        ("both.gif", b"GIF89a/*<script>alert(1)</script>*/=0;"),
        ("both.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF<script>alert(1)</script>"),
        ("both.pdf", b"%PDF-1.7 <html><script>alert(1)</script>"),
        ("both.mp3", b"ID3\x04\0<svg onload=alert(1)>"),
        ("late.pdf", b"<b>hello</b> %PDF-1.7"),
        ("half.gif", b"GIF not an image"),
        ("half.png", b"\x89PNG not an image"),
        ("text.png", b"only text"),
        ("text.pdf", b"only text"),
        ("image.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("utf16.txt", b"\xff\xfe<\0h\0t\0m\0l\0>\0"),
        ("utf7.txt", b"+ADw-script+AD4-\0"),
        ("nul.txt", b"text with a\0 in it"),
        ("latin.txt", b"caf\xe9"),
    ];
    for (name, bytes) in disguised {
        add(name, bytes);
    }
    add("empty.txt", b"");
    add("empty.pdf", b"");
    add("flash.swf", b"CWS\x09\0\0\0\0");
    add("paper.ps", b"%!PS-Adobe-3.0\n");
    add("paper.rtf", b"{\\rtf1\\ansi}");
    add(&format!("{}.exe", "n".repeat(3_000)), b"%PDF-1.7\n");
    files
}

/// Names of a text file, as somebody might have called it.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "note.txt",
        "two words.txt",
        "a\"quote.txt",
        "a'quote.txt",
        "a;semicolon.txt",
        "a,comma.txt",
        "a=b.txt",
        "100%.txt",
        "%22.txt",
        "%0d%0aSet-Cookie: x=1.txt",
        "a&b.txt",
        "<b>.txt",
        "a<script>.txt",
        "a#b.txt",
        "a?b.txt",
        "a:b.txt",
        "a|b.txt",
        "a*b.txt",
        "a`b.txt",
        "$(id).txt",
        "a{b}.txt",
        "a[b].txt",
        "a~b.txt",
        "../../etc/passwd.txt",
        "..\\..\\boot.txt",
        "C:\\x\\note.txt",
        "/etc/note.txt",
        ".hidden.txt",
        "..txt.txt",
        "CON.txt",
        "nul.txt",
        "note.tar.txt",
        "note..txt",
        " leading.txt",
        "note .txt",
        "UPPER.TXT.txt",
        "-rf.txt",
        "--help.txt",
        "\u{e9}tude.txt",
        "e\u{301}tude.txt",
        "\u{df}.txt",
        "\u{4e2d}\u{6587}.txt",
        "\u{65e5}\u{672c}\u{8a9e}.txt",
        "\u{d55c}\u{ad6d}.txt",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}.txt",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}.txt",
        "\u{939}\u{93f}.txt",
        "\u{1f4de}.txt",
        "\u{1f469}\u{200d}\u{1f4bb}.txt",
        "\u{1f1e9}\u{1f1ea}.txt",
        "a\u{202e}gpj.txt",
        "a\u{2066}b\u{2069}.txt",
        "a\u{200b}b.txt",
        "\u{feff}bom.txt",
        "a\u{a0}b.txt",
        "a\u{2028}b.txt",
        "a\u{85}b.txt",
        "a\tb.txt",
        "\u{ff0f}full.txt",
        "\u{2024}dot.txt",
        "\u{fe0f}.txt",
        "Z\u{351}\u{36b}\u{343}algo.txt",
        "iso-8859-1''x.txt",
        "UTF-8''x.txt",
        "=?utf-8?q?x?=.txt",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push(format!("{}.txt", "n".repeat(250)));
    names.push(format!("{}.txt", "\u{1f4de}".repeat(250)));
    names
}

/// The name a browser would save under: the extended one if there is one.
pub(crate) fn told(header: &str) -> String {
    if let Some((_, extended)) = header.split_once("filename*=UTF-8''") {
        return percent_decoded(extended);
    }
    let (_, rest) = header.split_once("filename=\"").expect("a name");
    rest.strip_suffix('"').expect("a closing quote").to_owned()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
            let digits = std::str::from_utf8(&digits).expect("ASCII");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
