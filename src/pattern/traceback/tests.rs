//! One traceback of each language, as its runtime prints it.

use super::*;

fn check(message: &str, language: Language, key: &str, headline_expected: &str) {
    let traceback = read(message).unwrap_or_else(|| panic!("no traceback: {message}"));
    assert_eq!(traceback.language, language);
    assert_eq!(traceback.key(), key);
    assert_eq!(headline(message), headline_expected);
}

#[test]
fn a_python_chain_is_named_by_what_was_thrown_first() {
    let message = r#"Startup failed
Traceback (most recent call last):
  File "/app/shop/database.py", line 12, in connect
    return driver.connect(dsn)
  File "/usr/local/lib/python3.11/site-packages/driver/__init__.py", line 122, in connect
    conn = _connect(dsn)
driver.OperationalError: could not connect to server: Connection refused
	Is the server running on that host?

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/shop/main.py", line 9, in startup
    await connect()
RuntimeError: startup failed"#;
    check(
        message,
        Language::Python,
        "driver.OperationalError: could not connect to server: Connection refused @ database.connect",
        "driver.OperationalError: could not connect to server: Connection refused",
    );
    assert_eq!(read(message).map(|t| t.outermost.kind), Some("RuntimeError"));
}

#[test]
fn a_steering_exception_is_not_the_cause() {
    let message = "Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in f\n    await g()\n\
                   asyncio.exceptions.CancelledError\n\nDuring handling of the above exception, another exception occurred:\n\n\
                   Traceback (most recent call last):\n  File \"/app/b.py\", line 3, in wait\n    raise\nTimeoutError";
    check(message, Language::Python, "TimeoutError @ b.wait", "TimeoutError");
}

#[test]
fn a_group_is_named_by_its_first_member() {
    let message = r#"  + Exception Group Traceback (most recent call last):
  |   File "/app/worker.py", line 5, in main
  |     async with TaskGroup() as tg:
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/jobs.py", line 7, in fetch
    |     raise ValueError("bad page")
    | ValueError: bad page
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/app/jobs.py", line 9, in store
    |     raise KeyError("id")
    | KeyError: 'id'
    +------------------------------------"#;
    check(message, Language::Python, "ValueError: bad page @ jobs.fetch", "ValueError: bad page");
    assert_eq!(read(message).map(|t| t.outermost.kind), Some("ExceptionGroup"));
}

#[test]
fn escaped_line_breaks_are_line_breaks() {
    let message =
        r#"failed\nTraceback (most recent call last):\n  File "/app/a.py", line 1, in f\n    g()\nKeyError: 'x'"#;
    check(message, Language::Python, "KeyError: 'x' @ a.f", "KeyError: 'x'");
}

#[test]
fn java_is_named_by_its_last_cause() {
    let message = "2025-01-01 10:00:00 ERROR c.a.Web - Request failed\njava.lang.IllegalStateException: cannot place order\n\
                   \tat com.acme.shop.OrderService.place(OrderService.java:40)\n\
                   \tat org.springframework.web.Dispatcher.run(Dispatcher.java:1)\n\
                   Caused by: java.net.ConnectException: Connection refused\n\
                   \tat java.base/sun.nio.ch.Net.connect(Native Method)\n\
                   \tat com.acme.shop.StockClient.ask(StockClient.java:12)\n\t... 23 more";
    check(
        message,
        Language::Jvm,
        "java.net.ConnectException: Connection refused @ StockClient.ask",
        "java.net.ConnectException: Connection refused",
    );
    assert_eq!(read(message).map(|t| t.outermost.kind), Some("java.lang.IllegalStateException"));
}

#[test]
fn node_is_named_by_its_cause() {
    let message = "Error: cannot load orders\n    at load (/app/src/orders.js:3:9)\n    at node:internal/main:1:1 {\n  \
                   [cause]: Error: connect ECONNREFUSED 10.0.0.3:5432\n      at TCPConnectWrap.afterConnect (node:net:1:1)\n      \
                   at async query (file:///app/src/db.js:7:3) {\n    errno: -111\n  }\n}";
    check(
        message,
        Language::Node,
        "Error: connect ECONNREFUSED 10.0.0.3:5432 @ db.query",
        "Error: connect ECONNREFUSED 10.0.0.3:5432",
    );
}

#[test]
fn node_errors_speak_after_empty_lines() {
    let message = "PrismaClientKnownRequestError: \nInvalid invocation:\n\n\nThe table `public.items` does not exist.\n    \
                   at fn (/app/node_modules/x/y.js:1:1)";
    let traceback = read(message).expect("a traceback");
    assert_eq!(traceback.cause.text, "The table `public.items` does not exist.");
}

#[test]
fn dotnet_is_named_by_its_inner_exception() {
    let message = "Unhandled exception. System.InvalidOperationException: no connection\n \
                   ---> System.Net.Sockets.SocketException (111): Connection refused\n   \
                   at System.Net.Sockets.Socket.Connect() in /_/Socket.cs:line 1\n   \
                   at Acme.Shop.Database.Open(String dsn) in /src/Database.cs:line 12\n   \
                   --- End of inner exception stack trace ---\n   at Acme.Shop.Program.Main() in /src/Program.cs:line 3";
    check(
        message,
        Language::Dotnet,
        "System.Net.Sockets.SocketException: Connection refused @ Database.Open < Program.Main",
        "System.Net.Sockets.SocketException (111): Connection refused",
    );
}

#[test]
fn a_go_panic_is_named_by_its_first_panic() {
    let message = "panic: runtime error: index out of range [3] with length 2 [recovered]\n\tpanic: again\n\ngoroutine 1 [running]:\n\
                   main.pick(...)\n\t/app/pick.go:9\nnet/http.serve(0x1)\n\t/usr/local/go/src/net/http/server.go:1 +0x1\n\
                   main.(*Server).run(0xc000)\n\t/app/main.go:12 +0x1d\n\ngoroutine 2 [select]:\nmain.other()\n\t/app/o.go:1";
    check(
        message,
        Language::Go,
        "panic: runtime error: index out of range [3] with length 2 @ pick.pick < main.run",
        "panic: runtime error: index out of range [3] with length 2 [recovered]",
    );
}

#[test]
fn rust_says_the_message_in_two_ways() {
    check(
        "thread 'main' panicked at src/store.rs:12:5:\ncalled `Option::unwrap()` on a `None` value\nnote: run with `RUST_BACKTRACE=1`",
        Language::Rust,
        "panic: called `Option::unwrap()` on a `None` value @ store",
        "called `Option::unwrap()` on a `None` value",
    );
    check(
        "thread 'main' panicked at 'index out of bounds', src/main.rs:2:5",
        Language::Rust,
        "panic: index out of bounds @ main",
        "thread 'main' panicked at 'index out of bounds', src/main.rs:2:5",
    );
}

#[test]
fn ruby_and_php_are_read() {
    check(
        "/app/models/user.rb:12:in `save': undefined method `id' for nil:NilClass (NoMethodError)\n\tfrom /app/main.rb:3:in `<main>'",
        Language::Ruby,
        "NoMethodError: undefined method `id' for nil:NilClass @ user.save < main.<main>",
        "undefined method `id' for nil:NilClass (NoMethodError)",
    );
    check(
        "PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /app/src/Db.php:12\nStack trace:\n\
         #0 /app/src/Db.php(12): PDO->__construct('mysql')\n#1 /app/vendor/x/y.php(3): run()\n#2 {main}\n  thrown in /app/src/Db.php on line 12",
        Language::Php,
        "PDOException: SQLSTATE[HY000] [2002] Connection refused @ Db.__construct",
        "PDOException: SQLSTATE[HY000] [2002] Connection refused",
    );
}

#[test]
fn an_ordinary_message_is_no_traceback() {
    for message in
        ["", "Listening on port 8080", "first line\nsecond line\n  indented", "at noon (maybe)\nError handling enabled"]
    {
        assert_eq!(read(message), None, "{message}");
    }
    assert_eq!(headline("\n\n  first words\nmore"), "first words");
}

#[test]
fn split_tracebacks_are_found_again() {
    let lines = [
        "listening",
        "Error: boom",
        "    at f (/app/a.js:1:1)",
        "    at g (/app/a.js:2:1) {",
        "  code: 'X'",
        "}",
        "next request",
        "Traceback (most recent call last):",
        "  File \"/app/a.py\", line 1, in f",
        "    g()",
        "ValueError: bad",
        "done",
    ];
    assert_eq!(spans(&lines), vec![1..6, 7..11]);
}

#[test]
fn nothing_makes_the_reader_panic() {
    for piece in [
        "at ",
        "\u{e9}\u{e9}",
        "Caused by: ",
        "File \"",
        "panic: ",
        "#0 ",
        "[cause]: ",
        ":in ",
        "' panicked at '",
        " ---> ",
    ] {
        let _ = read(&format!("{piece}\n  {piece}\n\t{piece}(\n{}", piece.repeat(300)));
        let _ = headline(piece);
        let _ = spans(&[piece, piece, ""]);
    }
}
