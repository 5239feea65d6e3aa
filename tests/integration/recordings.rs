//! Listening: parts of a file, odd questions, and who may ask.

use diesel::prelude::*;
use fairdial::db::{DbError, schema};
use fairdial::domain::ids::CallId;
use fairdial::file_store::FileStore;
use reqwest::Method;
use rstest::rstest;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;
use crate::support::story::NewCall;

const AUDIO: &[u8] = b"ID3 ten bytes and a little more of the same";

/// A call of acme with a recording on disk.
fn recorded(app: &TestApp, media_type: &str) -> CallId {
    let call =
        NewCall { has_recording: true, ..NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()) };
    let call = call.add(app.db());
    let store = FileStore::open(&app.data_dir()).expect("the folder is there");
    let file = store.put("call.mp3", media_type, AUDIO).expect("it is stored");
    let now = app.clock().now();
    let added = app.db().write_blocking::<_, DbError>(|conn| {
        use schema::recordings as r;
        diesel::insert_into(r::table)
            .values((
                (r::call_id.eq(call), r::file_id.eq(file.id.as_str()), r::media_type.eq(media_type)),
                (r::size.eq(file.size), r::sha256.eq(&file.sha256), r::created_at.eq(now)),
            ))
            .execute(conn)?;
        Ok(())
    });
    added.expect("the row is written");
    call
}

async fn ask(actor: &Actor, method: Method, call: CallId, headers: &[(&str, &str)]) -> Response {
    let mut request = actor.request(method, &format!("/calls/{call}/recording"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    actor.send(request.header("Accept-Encoding", "gzip")).await
}

#[actix_web::test]
async fn the_whole_recording_is_audio_to_play_in_place() {
    let app = TestApp::start().await;
    let call = recorded(&app, "audio/mpeg");
    let buyer = app.buyer("acme").await;
    let whole = ask(&buyer, Method::GET, call, &[]).await;
    whole.assert_ok();
    assert_eq!(whole.body, AUDIO);
    assert_eq!(whole.header("content-type"), "audio/mpeg");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("content-length"), AUDIO.len().to_string());
    assert_eq!(whole.header("content-disposition"), format!("inline; filename=\"call-{call}.mp3\""));
    assert!(whole.header("cache-control").starts_with("private"), "{}", whole.header("cache-control"));
    assert_ne!(whole.header("content-encoding"), "gzip");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");

    let head = ask(&buyer, Method::HEAD, call, &[]).await;
    head.assert_ok();
    assert_eq!((head.body.len(), head.header("content-length")), (0, whole.header("content-length")));
    let other = recorded(&app, "text/html");
    assert_eq!(ask(&buyer, Method::GET, other, &[]).await.header("content-type"), "audio/mpeg");
    app.manager("dana").await.get(&format!("/calls/{call}/recording")).await.assert_ok();
    app.buyer("birch").await.get(&format!("/calls/{call}/recording")).await.assert_not_found();
    app.anonymous().get(&format!("/calls/{call}/recording")).await.assert_sign_in_first();
}

#[rstest]
#[case("bytes=0-3", 206, "ID3 ", "bytes 0-3/43")]
#[case("bytes=38-", 206, " same", "bytes 38-42/43")]
#[case("bytes=-4", 206, "same", "bytes 39-42/43")]
#[case("bytes=40-999999999999999999999", 206, "ame", "bytes 40-42/43")]
#[case("bytes=43-", 416, "", "bytes */43")]
#[case("bytes=99999999999999999999999999-", 416, "", "bytes */43")]
#[case("bytes=-0", 416, "", "bytes */43")]
#[actix_web::test]
async fn a_part_is_what_was_asked_for(
    #[case] range: &str,
    #[case] status: u16,
    #[case] body: &str,
    #[case] content_range: &str,
) {
    let app = TestApp::start().await;
    let call = recorded(&app, "audio/mpeg");
    let buyer = app.buyer("acme").await;
    for method in [Method::GET, Method::HEAD] {
        let part = ask(&buyer, method.clone(), call, &[("Range", range)]).await;
        part.assert_status(status);
        assert_eq!(part.header("content-range"), content_range);
        if method == Method::GET && status == 206 {
            assert_eq!(part.text(), body);
            assert_eq!(part.header("content-length"), body.len().to_string());
        }
    }
}

#[rstest]
#[case("")]
#[case("bytes=")]
#[case("bytes=-")]
#[case("bytes=5-2")]
#[case("bytes=0-1,3-4")]
#[case("bytes=,")]
#[case("lines=1-2")]
#[case("bytes=one-two")]
#[actix_web::test]
async fn an_odd_question_gets_the_whole(#[case] range: &str) {
    let app = TestApp::start().await;
    let call = recorded(&app, "audio/mpeg");
    let whole = ask(&app.buyer("acme").await, Method::GET, call, &[("Range", range)]).await;
    whole.assert_ok();
    assert_eq!(whole.body, AUDIO);
}

#[actix_web::test]
async fn a_part_of_another_version_is_not_mixed_in() {
    let app = TestApp::start().await;
    let call = recorded(&app, "audio/mpeg");
    let buyer = app.buyer("acme").await;
    let tag = ask(&buyer, Method::GET, call, &[]).await.header("etag").to_owned();
    let part = ask(&buyer, Method::GET, call, &[("Range", "bytes=0-2"), ("If-Range", &tag)]).await;
    part.assert_status(206);
    let whole = ask(&buyer, Method::GET, call, &[("Range", "bytes=0-2"), ("If-Range", "\"older\"")]).await;
    whole.assert_ok();
    assert_eq!(whole.body, AUDIO);
}

#[actix_web::test]
async fn a_recording_is_offered_where_there_is_one() {
    let app = TestApp::start().await;
    let call = recorded(&app, "audio/mpeg");
    let silent = NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()).add(app.db());
    let buyer = app.buyer("acme").await;
    let page = buyer.get("/calls").await.page();
    let link = page.one("#call-log a[href$='/recording']");
    assert_eq!(link.attr("aria-label"), "Play the recording of (214) 555-0164");
    assert_eq!(link.attr("href"), format!("/calls/{call}/recording"));
    let page = buyer.get(&format!("/calls/{call}")).await.page();
    assert_eq!(page.attr(".player audio[controls]", "preload"), "none");
    assert_eq!(page.texts(".player [data-speeds] option").len(), 5);
    assert!(!buyer.get(&format!("/calls/{silent}")).await.page().has("audio"));
    buyer.get(&format!("/calls/{silent}/recording")).await.assert_not_found();
}

/// A call of acme with these bytes as its recording.
fn recorded_as(app: &TestApp, bytes: &[u8]) -> CallId {
    let call = recorded(app, "audio/wav");
    let store = FileStore::open(&app.data_dir()).expect("the folder is there");
    let file = store.put("call.wav", "audio/wav", bytes).expect("it is stored");
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            use schema::recordings as r;
            diesel::update(r::table.find(call))
                .set((r::file_id.eq(file.id.as_str()), r::size.eq(file.size), r::sha256.eq(&file.sha256)))
                .execute(conn)?;
            Ok(())
        })
        .expect("the row is changed");
    call
}

fn kept(app: &TestApp) -> usize {
    std::fs::read_dir(app.data_dir().join("waveforms")).expect("the folder is there").count()
}

#[actix_web::test]
async fn the_waveform_is_a_picture_for_those_who_may_listen() {
    let app = TestApp::start().await;
    let call = recorded_as(&app, &fairdial::demo::audio::synthesize(3, 6));
    let at = format!("/calls/{call}/waveform");
    let buyer = app.buyer("acme").await;
    let whole = buyer.get(&format!("{at}?mark=1-2&mark=3-3")).await;
    whole.assert_ok();
    assert_eq!(whole.header("content-type"), "image/svg+xml");
    assert_eq!(whole.header("cache-control"), "private, max-age=0, must-revalidate");
    assert!(whole.header("vary").contains("Cookie") && whole.header("vary").contains("HX-Request"));
    let svg = whole.text();
    assert!(svg.starts_with("<svg class=\"wave\"") && svg.contains("data-millis=\"6000\""), "{svg}");
    assert!(svg.contains("aria-label=\"Waveform, 0:06."), "{svg}");
    assert_eq!(svg.matches("class=\"mark\"").count(), 2);
    // Decoded once: the second answer is read from what was kept.
    assert_eq!(kept(&app), 1);
    let tag = whole.header("etag").to_owned();
    let again = buyer.send(buyer.request(Method::GET, &at).header("If-None-Match", &tag)).await;
    again.assert_status(304);
    let part = buyer.request(Method::GET, &at).header("HX-Request", "true").header("HX-Request-Type", "partial");
    let part = buyer.send(part).await;
    assert!(part.header("content-type").starts_with("text/html"), "{}", part.header("content-type"));
    assert!(part.text().starts_with("<svg class=\"wave\""));
    buyer.get(&format!("{at}?mark=%3Cscript%3E")).await.assert_status(422);

    app.manager("dana").await.get(&at).await.assert_ok();
    app.buyer("birch").await.get(&at).await.assert_not_found();
    app.anonymous().get(&at).await.assert_sign_in_first();
    let silent = NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()).add(app.db());
    buyer.get(&format!("/calls/{silent}/waveform")).await.assert_not_found();
    let page = buyer.get(&format!("/calls/{call}")).await.page();
    assert_eq!(page.attr(".player .picture", "hx-get"), at);
}

#[actix_web::test]
async fn what_cant_be_decoded_says_so_and_the_player_stays() {
    let app = TestApp::start().await;
    for bytes in [AUDIO, b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0"] {
        let call = recorded_as(&app, bytes);
        let buyer = app.buyer("acme").await;
        let at = format!("/calls/{call}/waveform");
        for _ in 0..2 {
            let picture = buyer.get(&at).await;
            picture.assert_ok();
            assert!(picture.text().contains("can\u{2019}t be drawn"), "{}", picture.text());
        }
        let part = buyer.request(Method::GET, &at).header("HX-Request", "true").header("HX-Request-Type", "partial");
        assert!(buyer.send(part).await.text().starts_with("<p class=\"muted undrawn\">The waveform"));
        assert!(buyer.get(&format!("/calls/{call}")).await.page().has(".player audio[controls]"));
    }
    assert_eq!(kept(&app), 2);
}

#[actix_web::test]
async fn a_waveform_goes_with_its_recording() {
    let app = TestApp::start().await;
    let call = recorded_as(&app, &fairdial::demo::audio::synthesize(3, 2));
    app.buyer("acme").await.get(&format!("/calls/{call}/waveform")).await.assert_ok();
    let store = FileStore::open(&app.data_dir()).expect("the folder is there");
    let row = app.db().read_blocking::<_, DbError>(|conn| {
        Ok(schema::recordings::table.find(call).select(schema::recordings::file_id).first::<String>(conn)?)
    });
    let file = row.expect("read").parse().expect("an id");
    store.remove(&file).expect("it is removed");
    assert_eq!(kept(&app), 0);
    store.keep_waveform(&file, b"{}").expect("nothing is wrong with that");
    assert_eq!(kept(&app), 0);
}
