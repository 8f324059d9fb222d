"""Calls a TestServer with gRPC's own client.

    grpc_peer.py ADDRESS SCENARIO...
    grpc_peer.py --tls CA [CERTIFICATE KEY] -- ADDRESS SCENARIO...

Every call has a deadline. Exits with an error when an answer is not as expected.
"""

import sys
import threading

import grpc

PATIENCE = 30
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def method(channel, name):
    return channel.unary_unary(f"/test.Echo/{name}")


def expect_failure(code, call):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, f"expected {code}, got {error}"
        return error
    raise AssertionError(f"expected {code}, got an answer")


def unary(channel):
    assert method(channel, "Echo")(b"hello", timeout=PATIENCE) == b"hello"
    assert method(channel, "Echo")(b"", timeout=PATIENCE) == b""


def unknown_method(channel):
    expect_failure(grpc.StatusCode.UNIMPLEMENTED, lambda: method(channel, "Nothing")(b"", timeout=PATIENCE))


def failure(channel):
    error = expect_failure(
        grpc.StatusCode.FAILED_PRECONDITION, lambda: method(channel, "Fail")(b"", timeout=PATIENCE)
    )
    assert error.details() == "Grüße: 100 %\nline 2", error.details()
    assert ("x-reason", "test") in error.trailing_metadata(), error.trailing_metadata()


def deadline(channel):
    for _ in range(20):
        expect_failure(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: method(channel, "Hold")(b"", timeout=0.02))
    unary(channel)


def cancel(channel):
    for _ in range(300):
        call = method(channel, "Hold").future(b"x", timeout=PATIENCE)
        call.cancel()
        try:
            call.result()
            raise AssertionError("a cancelled call was answered")
        except grpc.FutureCancelledError:
            pass
    unary(channel)


def gzip(channel):
    message = b"apparate" * 100_000
    answer = method(channel, "Echo")(message, timeout=PATIENCE, compression=grpc.Compression.Gzip)
    assert answer == message


def deflate(channel):
    message = b"apparate" * 100_000
    answer = method(channel, "Echo")(message, timeout=PATIENCE, compression=grpc.Compression.Deflate)
    assert answer == message


def large(channel):
    message = bytes(range(256)) * (30 * 4096)
    assert method(channel, "Echo")(message, timeout=PATIENCE) == message


def too_large(channel):
    error = expect_failure(
        grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: method(channel, "Echo")(bytes(65 << 20), timeout=PATIENCE)
    )
    assert error.details() == f"Received message larger than max ({65 << 20} vs. {64 << 20})", error.details()
    unary(channel)


def many(channel):
    calls = [(i, method(channel, "OtherThread").future(b"%d" % i, timeout=PATIENCE)) for i in range(1000)]
    for i, call in calls:
        assert call.result() == b"%d" % i


def metadata(channel):
    answer, call = method(channel, "Echo").with_call(b"x", timeout=PATIENCE, metadata=(("x-ask", "why"),))
    assert answer == b"x"
    assert ("apparate-exit", "2") in call.initial_metadata(), call.initial_metadata()
    assert ("x-told", "why") in call.trailing_metadata(), call.trailing_metadata()
    assert call.code() == grpc.StatusCode.OK


def keepalive(channel):
    # The channel is made with PINGs every 10 ms (see main): the server must not take them for an attack.
    call = method(channel, "Hold").future(b"x", timeout=1)
    for i in range(200):
        assert method(channel, "Echo")(b"%d" % i, timeout=PATIENCE) == b"%d" % i
    call.cancel()


def health_watch(channel):
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
    call = watch(b"\x0a\x05model", timeout=PATIENCE)
    assert next(call) == b"\x08\x01"
    call.cancel()
    unknown = watch(b"\x0a\x05other", timeout=PATIENCE)
    assert next(unknown) == b"\x08\x03"
    unknown.cancel()


def health_drain(channel):
    # The server is drained once the watch is known to run: it answers every echo of "watching".
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"\x0a\x05model", timeout=PATIENCE)
    assert next(watch) == b"\x08\x01"
    threading.Thread(target=lambda: method(channel, "Drain")(b"", timeout=PATIENCE)).start()
    assert next(watch) == b"\x08\x02"
    try:
        next(watch)
        raise AssertionError("the watch goes on")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error


def refused(channel):
    expect_failure(grpc.StatusCode.UNAVAILABLE, lambda: method(channel, "Echo")(b"", timeout=PATIENCE))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(arguments):
    if arguments[0] == "--tls":
        end = arguments.index("--")
        files = [read(path) for path in arguments[1:end]]
        address, *scenarios = arguments[end + 1 :]
        credentials = grpc.ssl_channel_credentials(
            files[0], *((files[2], files[1]) if len(files) == 3 else (None, None))
        )
        channel = grpc.secure_channel(address, credentials, options=UNLIMITED)
    else:
        address, *scenarios = arguments
        options = list(UNLIMITED)
        if "keepalive" in scenarios:
            options += [("grpc.keepalive_time_ms", 10), ("grpc.http2.max_pings_without_data", 0)]
        channel = grpc.insecure_channel(address, options=options)
    with channel:
        for scenario in scenarios:
            globals()[scenario](channel)


if __name__ == "__main__":
    main(sys.argv[1:])
