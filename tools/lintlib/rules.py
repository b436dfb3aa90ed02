"""The rules. A rule takes all files at once and yields (path, line number) of each breach."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .source import Source

Breaches = Iterator[tuple[str, int]]
LONGEST_FILE = 400
SYSTEM_MODULES = {
    **{"CLibSSH2": "SSH", "COpenSSL": "PKI", "CCurl": "Net", "CCares": "Net", "CPSL": "Names", "CIDN2": "Names"},
    "CYAML": "Controller",
    "GRDB": "Journal",
}


#: Words that may stand before a tuple or a case without being its owner.
KEYWORDS = {
    *("return", "throw", "in", "await", "try", "case", "else"),
    *("where", "is", "as", "switch", "if", "guard", "while", "let"),
}


@dataclass
class Rule:
    name: str
    #: What to do instead, in one line.
    message: str
    check: Callable[[list[Source]], Breaches]
    #: Files (path, text) of which each alone breaks, or keeps, the rule.
    bad: list[tuple[str, str]]
    good: list[tuple[str, str]]


def is_reason(comment: str) -> bool:
    """Three words or more after the slashes."""
    return comment.startswith("//") and len(comment.lstrip("/ ").split()) >= 3


def code(pattern: str, places: str = r"(Sources|Tests)/", excused: bool = True) -> Callable[[list[Source]], Breaches]:
    """A pattern that Swift code must not hold, unless (where `excused`) its line ends in a comment that says why, or
    the comment right above names what was found and says why."""
    wanted, where = re.compile(pattern), re.compile(places)

    def check(sources: list[Source]) -> Breaches:
        for source in sources:
            if source.is_swift and where.match(source.path):
                for number, (text, comment) in enumerate(source.swift, 1):
                    found = wanted.search(text)
                    if found and not (excused and (is_reason(comment) or found[0].strip() in above(source, number))):
                        yield source.path, number

    return check


def above(source: Source, number: int) -> str:
    """The comment that ends on the line before."""
    words = []
    for code_before, comment in reversed(source.swift[: number - 1]):
        if code_before.strip() or not comment:
            break
        words.append(comment)
    return " ".join(words)


def text(pattern: str) -> Callable[[list[Source]], Breaches]:
    wanted = re.compile(pattern, re.MULTILINE)

    def check(sources: list[Source]) -> Breaches:
        for source in sources:
            if source.path.startswith("tools/lintlib/"):
                continue  # The rules themselves name what they forbid.
            for match in wanted.finditer(source.text):
                yield source.path, source.text.count("\n", 0, match.start()) + 1

    return check


def awaits_in_values(sources: list[Source]) -> Breaches:
    """Each `await` inside a tuple of two or more, or inside the payload of `.someCase(…)`."""
    for source in sources:
        if not source.is_swift:
            continue
        joined = "\n".join(code for code, _ in source.swift)
        for match in re.finditer(r"\bawait\b", joined):
            if is_in_a_value(joined, match.start()):
                yield source.path, joined.count("\n", 0, match.start()) + 1


def is_in_a_value(joined: str, place: int) -> bool:
    """Goes outwards from a place, bracket by bracket, as far as the statement or closure that it is in."""
    depth, has_comma = 0, has_comma_after(joined, place)
    for index in range(place - 1, -1, -1):
        letter = joined[index]
        if letter in ")]}":
            depth += 1
        elif letter == "," and depth == 0:
            has_comma = True
        elif letter in "([{" and depth > 0:
            depth -= 1
        elif letter in "{[":
            return False
        elif letter == "(":
            if begins_a_value(joined[:index].rstrip(" "), has_comma):
                return True
            has_comma = has_comma_after(joined, closing(joined, index))
    return False


def begins_a_value(before: str, has_comma: bool) -> bool:
    """Whether a `(` behind this text begins a tuple or a case's payload, not the arguments of a call."""
    called = re.search(r"[\w`]+$", before)
    if not called or called[0] in KEYWORDS:
        # `)(` and `>(` are calls of what a call or a generic type gave.
        return has_comma and not before.endswith((")", "]", ">", "}", "!", "?"))
    rest = before[: called.start()]
    if not rest.endswith("."):
        return False
    owner = re.search(r"(?:([\w`]+)|\S)?$", rest[:-1].rstrip())
    # `return .case(` and `(.case(` name a case; `a\n.method(` and `a.method(` call what a value has.
    return (owner[1] in KEYWORDS) if owner[1] else owner[0] not in (")", "]", "}", "?", "!", ">")


def has_comma_after(joined: str, place: int) -> bool:
    depth = 0
    for letter in joined[place:]:
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            if depth == 0:
                return False
            depth -= 1
        elif letter == "," and depth == 0:
            return True
    return False


def closing(joined: str, opening: int) -> int:
    """Behind the bracket that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(joined)):
        depth += {"(": 1, ")": -1}.get(joined[index], 0)
        if depth == 0:
            return index + 1
    return len(joined)


def long_files(sources: list[Source]) -> Breaches:
    for source in sources:
        if (source.is_swift or source.is_python) and len(source.lines) > LONGEST_FILE:
            first = source.lines[0].lstrip("/# ")
            if not (source.lines[0].startswith(("//", "#")) and first.lower().startswith("long because")):
                yield source.path, 1


def borrowed_modules(sources: list[Source]) -> Breaches:
    wanted = re.compile(r"^\s*(?:@\w+ )*(?:public |internal |package |private |fileprivate )?import (\w+)")
    for source in sources:
        target = source.path.split("/")[1] if source.path.startswith("Sources/") else ""
        for number, (line, _) in enumerate(source.swift, 1) if source.is_swift and target else ():
            match = wanted.match(line)
            if match and SYSTEM_MODULES.get(match[1], target) != target:
                yield source.path, number


def long_lines(sources: list[Source]) -> Breaches:
    for source in sources:
        if source.is_python:
            for number, line in enumerate(source.lines, 1):
                if len(line) > 120:
                    yield source.path, number


def swift(line: str, path: str = "Sources/Net/A.swift") -> tuple[str, str]:
    return path, line


RULES = [
    Rule(
        "no-try-question",
        "`try?` forgets the reason: catch the error, or say on the line why it may be forgotten",
        code(r"\btry\?"),
        [swift("let a = try? b()"), swift('let a = try? b("// a fine reason indeed")')],
        [swift("let a = try b()"), swift('let a = "try? b()"'), swift("try? b()  // closing twice is harmless")],
    ),
    Rule(
        "no-try-bang",
        "`try!` ends the controller: catch the error, or say on the line why it cannot be thrown",
        code(r"\btry!"),
        [swift("let a = try! b()")],
        [swift("// never try! this"), swift("let a = try! b()  // a literal pattern, tested below")],
    ),
    Rule(
        "no-forced-cast",
        "`as!` ends the controller: use `as?` and handle the other case, or say on the line why it cannot fail",
        code(r"\bas!"),
        [swift("let a = b as! C")],
        [swift("let a = b as? C"), swift('"""\nas! x\n"""')],
    ),
    Rule(
        "no-unstructured-task",
        "tasks belong to a group (rule 14): the file that handles shutdown may say on the line why not",
        code(r"\bTask\.detached\b|\bTask(?:<[^>]*>)?\s*(?:\([^)]*\)\s*)?\{", r"Sources/"),
        [swift("Task.detached { }"), swift("Task { await a() }"), swift("let t = Task(priority: .high) {")],
        [swift("group.addTask { }"), swift("try await Task.sleep(for: .seconds(1))"), swift("struct Task2 {")],
    ),
    Rule(
        "no-tuple-of-a-task",
        "tasks of a group return a struct: the optimiser breaks tuples there (Docs/decisions/0010)",
        code(r"TaskGroup\(\s*of:\s*\(", excused=False),
        [
            swift("await withTaskGroup(of: (Int, String).self) { group in"),
            swift("try await withThrowingTaskGroup(of: (PairID, [Row]).self) {", "Tests/A/A.swift"),
        ],
        [swift("await withTaskGroup(of: Answer.self) { group in"), swift("await withTaskGroup(of: Void.self) {")],
    ),
    Rule(
        "no-await-in-a-value",
        "bind what is awaited with `let`, then put it into the tuple or the case: the optimiser breaks it there "
        "(Docs/decisions/0010)",
        awaits_in_values,
        [
            swift("return (id, .success(try await leaf(of: id)))"),
            swift("return .success(try await leaf(of: id))"),
            swift("group.addTask { (id, await leaf(of: id)) }"),
            swift("group.addTask {\n  (\n    await leaf(\n      of: id), id\n  )\n}"),
            swift("found.append((id, f(await leaf(of: id))))"),
            swift("let (a, b) = (await one(), await two())", "Tests/A/A.swift"),
            swift("post.yield(.seen(id, try await leaf(of: id)))"),
        ],
        [
            swift("let leaf = try await leaf(of: id)\nreturn (id, .success(leaf))"),
            swift("return try read(try await run(script), of: script)"),
            swift("let all = known + (await found())"),
            swift("let all = await walk(\n  a\n)\n.judged(await names(of: a))"),
            swift("let answers = pair.map(id, { await look(at: $0) })"),
            swift("for await (id, answer) in group { found[id] = answer }"),
            swift("let a = Answer(node: id, leaf: await leaf(of: id))"),
            swift("if let a = b.first(where: { $0 }), case .some(let c) = await d() {"),
        ],
    ),
    Rule(
        "no-fatal-error",
        "a controller does not end itself: throw, or say on the line why it cannot be reached",
        code(r"\b(?:fatalError|preconditionFailure)\("),
        [swift("fatalError()")],
        [swift("precondition(a)"), swift('fatalError("x")  // the enum has no such case')],
    ),
    Rule(
        "reasoned-unsafety",
        "`@unchecked Sendable` and `nonisolated(unsafe)` owe a reason on their line (rule 15)",
        code(r"@unchecked Sendable|nonisolated\(unsafe\)"),
        [swift("final class A: @unchecked Sendable {"), swift("nonisolated(unsafe) var a = 1  // why not")],
        [
            swift("final class A: @unchecked Sendable {  // only the reactor's thread touches it"),
            swift("/// `@unchecked Sendable`: only the reactor's thread touches it.\nclass A: @unchecked Sendable {"),
        ],
    ),
    Rule(
        "pure-fleet",
        "`Fleet` decides from values: no clock, file, socket, process or logger in it (rule 1)",
        code(r"\bDate\(\)|\bDate\.now\b|FileManager|ProcessInfo|\bLogger\b|Clock\(\)|SystemRandom|import Logging",
             r"Sources/Fleet/", excused=False),
        [swift("let now = Date()", "Sources/Fleet/A.swift"), swift("at: Date.now", "Sources/Fleet/A.swift")],
        [swift("let now = Date()"), swift("func a(at now: Date)", "Sources/Fleet/A.swift")],
    ),
    Rule(
        "stable-hash",
        "`hashValue` differs in each process: use the stable hash (rule 17)",
        code(r"\.hashValue\b", r"Sources/", excused=False),
        [swift("let a = name.hashValue % 7")],
        [swift("func hash(into hasher: inout Hasher)")],
    ),
    Rule(
        "listed-columns",
        "list the columns, never `SELECT *` (rule 18)",
        text(r"(?i)\bselect \*"),
        [("Sources/Journal/A.swift", "SELECT * FROM event\n")],
        [("Sources/Journal/A.swift", "SELECT id FROM event\n")],
    ),
    Rule(
        "one-owner-per-library",
        "each C library, and GRDB, is imported by one target only (Docs/Architecture.md)",
        borrowed_modules,
        [swift("import COpenSSL"), swift("internal import GRDB")],
        [swift("import CCurl"), swift("import Foundation"), swift("import COpenSSL", "Sources/PKI/A.swift")],
    ),
    Rule(
        "no-sleeping-tests",
        "tests wait for a condition with a deadline; a poll between two looks says so on its line (rule 22)",
        code(r"\bTask\.sleep|\bThread\.sleep|\busleep\(|\bsleep\(", r"Tests/"),
        [swift("try await Task.sleep(for: .seconds(1))", "Tests/A/A.swift")],
        [swift("try await Task.sleep(for: .milliseconds(5))  // between two looks", "Tests/A/A.swift")],
    ),
    Rule(
        "numbered-todo",
        "a TODO names its issue: `TODO #12`",
        text(r"\b(?:TODO|FIXME|XXX)\b(?!:? ?\(?#\d)"),
        [swift("// TODO: later"), ("a.py", "# FIXME\n")],
        [swift("// TODO #12: later")],
    ),
    Rule(
        "no-private-keys",
        "no private key in a file: make keys when the test runs",
        text(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\\?n?\s*\"?[A-Za-z0-9+/=]{40}"),
        [("Tests/Support/key.pem", "-----BEGIN EC PRIVATE KEY-----\n" + "A" * 64 + "\n")],
        [swift('let head = "-----BEGIN PRIVATE KEY-----"', "Tests/A/A.swift")],
    ),
    Rule(
        "no-path-of-one-machine",
        "no path of somebody's machine in a file",
        text(r"(?<![\w.%})\]\"$-])/work/"),
        [("Docs/A.md", "see /work/main\n")],
        [("Docs/A.md", "the node's var/work/x\n")],
    ),
    Rule(
        "short-files",
        f"over {LONGEST_FILE} lines: split by idea, or begin the file with a comment `Long because …`",
        long_files,
        [swift("let a = 1\n" * 401), ("a.py", "# A file.\n" + "a = 1\n" * 401)],
        [swift("// Long because it is one table.\n" + "let a = 1\n" * 401), swift("let a = 1\n" * 400)],
    ),
    Rule(
        "short-lines",
        "120 columns",
        long_lines,
        [("a.py", "a" * 121 + "\n")],
        [("a.py", "a" * 120 + "\n"), ("a.md", "a" * 121 + "\n")],
    ),
]
