#!/usr/bin/env python3
"""A small client of Holdfast's stream, written from docs/stream.md with Python's standard library alone.

    python3 examples/stream.py [http://127.0.0.1:7700]

Opens two accounts, moves money, reserves and settles, asks for balances and names, and sends a command
again as a client does after a lost connection. Ends with 0 if every answer is what it has to be. The
key, where the server wants one, is in the variable HOLDFAST_KEY. It sends one message and waits for its
answers; a client that wants speed keeps many in flight, up to the window.
"""

import base64
import hashlib
import os
import socket
import struct
import sys
import unicodedata
import urllib.parse
import uuid

# Kinds of records and messages, flags and statuses: docs/stream.md, docs/formats.md, docs/statuses.md.
OPEN_ACCOUNT, TRANSFER, RESERVE, SETTLE, QUERY_ACCOUNT = 1, 6, 7, 8, 32
WELCOME, COMMANDS, QUERIES, OUTCOMES, NAMES = 1, 2, 3, 4, 5
EXTERNAL, HAS_AMOUNT, FINAL = 2, 32, 64
OK, INSUFFICIENT_FUNDS = 0, 70
REPLAYED, HAS_RESERVATION = 1, 2


def id_of(name):
    """The 16 bytes of a name: a UUID's own, or 128 bits of SHA-256."""
    try:
        if len(name) == 36:
            return uuid.UUID(name).bytes
    except ValueError:
        pass
    text = unicodedata.normalize("NFC", name).encode()
    digest = bytearray(hashlib.sha256(b"\0" + text).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)


def tail_of(name):
    """The spelling of a name, unless the UUID is the spelling; padded to a multiple of 8."""
    if len(name) == 36 and str(uuid.UUID(bytes=id_of(name))) == name:
        return b""
    text = name.encode()
    entry = struct.pack("<BBH", 1, 0, len(text)) + text
    return entry + bytes(-len(entry) % 8)


def record(kind, flags, name, fields=b""):
    """A record without its token, which `ask` fills in."""
    tail = tail_of(name) if kind < QUERY_ACCOUNT else b""
    head = struct.pack("<BBHIII", kind, flags, len(tail), 0, 0, 0)
    return head + id_of(name) + fields + tail


def open_account(name, ledger, flags=0):
    return record(OPEN_ACCOUNT, flags, name, struct.pack("<IIq", ledger, 0, 0))


def transfer(name, debit, credit, amount):
    return record(TRANSFER, 0, name, id_of(debit) + id_of(credit) + struct.pack("<q", amount))


def reserve(name, debit, credit, amount, timeout_ms):
    numbers = struct.pack("<qq", amount, timeout_ms) + bytes(16)
    return record(RESERVE, 0, name, id_of(debit) + id_of(credit) + numbers)


def settle(name, reservation, amount):
    fields = id_of(reservation) + struct.pack("<q", amount)
    return record(SETTLE, HAS_AMOUNT | FINAL, name, fields)


class WebSocket:
    """As much of RFC 6455 as a client of the stream needs."""

    def __init__(self, url, key):
        address = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=30)
        nonce = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /v1/stream HTTP/1.1",
            f"Host: {address.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {nonce}",
            "Sec-WebSocket-Version: 13",
        ]
        if key:
            lines.append(f"Authorization: Bearer {key}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline().decode().strip()
        headers = {}
        while (line := self.file.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if " 101 " not in status + " ":
            sys.exit(f"the server did not take the stream: {status}")
        guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        wanted = base64.b64encode(hashlib.sha1((nonce + guid).encode()).digest()).decode()
        if headers.get("sec-websocket-accept") != wanted:
            sys.exit("this is no WebSocket server")

    def send(self, payload, opcode=2):
        """Sends one frame; frames of clients are masked."""
        mask = os.urandom(4)
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
        elif length < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(head + mask + masked)

    def receive(self):
        """The next whole message; answers pings meanwhile."""
        message = b""
        while True:
            first, length = self.read(2)
            length &= 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self.read(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self.read(8))
            payload = self.read(length)
            opcode = first & 0x0F
            if opcode == 8:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                sys.exit(f"the server closed with {code}: {payload[2:].decode()}")
            if opcode == 9:
                self.send(payload, 10)
            elif opcode < 8:
                message += payload
                if first & 0x80:
                    return message

    def read(self, count):
        data = self.file.read(count)
        if len(data) < count:
            sys.exit("the connection was lost")
        return data

    def close(self):
        self.send(struct.pack("!H", 1000), 8)
        self.socket.close()


class Outcome:
    """One outcome: docs/stream.md, Outcomes."""

    def __init__(self, data):
        (self.token, self.status, self.kind, flags, self.sequence, self.time_ms, self.moved) = (
            struct.unpack_from("<IHBBddd", data)
        )
        self.bytes, accounts, _ = struct.unpack_from("<IHH", data, 32)
        self.replayed = bool(flags & REPLAYED)
        at = 40
        if flags & HAS_RESERVATION:
            fields = struct.unpack_from("<ddddI", data, at)
            self.amount, self.settled, self.released, self.expires_at, self.state = fields
            at += 40
        # By slot: balance, held, incoming, credit limit.
        self.accounts = {}
        for entry in range(at, at + 48 * accounts, 48):
            (slot,) = struct.unpack_from("<I", data, entry)
            self.accounts[slot] = struct.unpack_from("<dddd", data, entry + 16)


class Stream:
    """One connection, used one message at a time."""

    def __init__(self, url, key=""):
        self.socket = WebSocket(url, key)
        self.next_token = 1
        kind, _, body = self.receive()
        version, self.window_commands, self.window_bytes, self.message_max = struct.unpack_from(
            "<IIII", body
        )
        if kind != WELCOME or version != 1:
            sys.exit(f"the server speaks version {version} of the stream, this client version 1")

    def receive(self):
        """Type, count and body of the next message."""
        message = self.socket.receive()
        kind, _, count, length = struct.unpack_from("<BBHI", message)
        assert length == len(message) - 16
        return kind, count, message[16:]

    def send(self, kind, count, body):
        message = struct.pack("<BBHIQ", kind, 0, count, len(body), 0) + body
        assert len(message) <= self.message_max
        self.socket.send(message)

    def ask(self, kind, *records):
        """Sends records in one message; their outcomes, in the order of the records."""
        first = self.next_token
        self.next_token += len(records)
        body = b""
        for token, data in enumerate(records, first):
            body += data[:8] + struct.pack("<I", token) + data[12:]
        self.send(kind, len(records), body)
        found = {}
        while len(found) < len(records):
            kind, count, body = self.receive()
            assert kind == OUTCOMES
            for _ in range(count):
                outcome = Outcome(body)
                found[outcome.token] = outcome
                body = body[outcome.bytes :]
        return [found[token] for token in range(first, first + len(records))]

    def names(self, *slots):
        """Names of accounts by slot."""
        self.send(NAMES, len(slots), struct.pack(f"<{len(slots)}I", *slots))
        kind, count, body = self.receive()
        assert kind == NAMES
        found = {}
        for _ in range(count):
            slot, spelling, metadata = struct.unpack_from("<IHH", body)
            text = body[24 : 24 + spelling].decode()
            found[slot] = text or str(uuid.UUID(bytes=body[8:24]))
            body = body[24 + (spelling + metadata + 7 & ~7) :]
        return found


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found} instead of {wanted}")


def main(url):
    stream = Stream(url, os.environ.get("HOLDFAST_KEY", ""))
    # Accounts stay for ever, so that each run has its own.
    run = uuid.uuid4().hex[:8]
    bank, acme = f"bank-{run}", f"acme-{run}"
    call = str(uuid.uuid4())

    commands = [
        open_account(bank, 1, EXTERNAL),
        open_account(acme, 1),
        transfer(f"top-up-{run}", bank, acme, 1_000),
        reserve(call, acme, bank, 300, 60_000),
        transfer(f"too-much-{run}", acme, bank, 701),
        settle(f"end-{run}", call, 120),
    ]
    outcomes = stream.ask(COMMANDS, *commands)
    wanted = [OK, OK, OK, OK, INSUFFICIENT_FUNDS, OK]
    expect("statuses", [outcome.status for outcome in outcomes], wanted)
    expect("moved", [outcome.moved for outcome in outcomes], [0, 0, 1_000, 300, 0, 120])
    expect("the reservation", (outcomes[5].settled, outcomes[5].released), (120, 180))

    # As after a lost connection: the same again changes nothing.
    again = stream.ask(COMMANDS, *commands)
    expect("statuses of the same again", [outcome.status for outcome in again], wanted)
    expect("replayed", all(outcome.replayed for outcome in again), True)
    expect("sequences", [o.sequence for o in again], [o.sequence for o in outcomes])

    balances = {}
    for outcome in stream.ask(QUERIES, *(record(QUERY_ACCOUNT, 0, name) for name in (bank, acme))):
        expect("an account", outcome.status, OK)
        balances.update(outcome.accounts)
    names = stream.names(*balances)
    for slot, (balance, held, _, limit) in balances.items():
        available = balance - held + limit
        print(f"{names[slot]}  balance {balance:.0f}  held {held:.0f}  available {available:.0f}")
    expect("names", sorted(names.values()), [acme, bank])
    expect("balances", sorted(entry[0] for entry in balances.values()), [-880, 880])
    stream.socket.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7700")
