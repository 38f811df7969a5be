#!/usr/bin/env python3
"""Writes the machine-readable copyright file of a package: the licence of each crate that is linked into
the library, with the notices that its source has. A crate without any is an error.

usage: copyright.py CARGO_TREE < CARGO_METADATA, where CARGO_TREE is a file with "NAME vVERSION" lines.
"""

import json
import re
import sys
from pathlib import Path

# These publish no licence file: the notices of their repositories, or else of their manifests.
WITHOUT_A_FILE = {
    "pgrx": [
        "2019-2021 ZomboDB, LLC. (portions)",
        "2021-2023 Technology Concepts & Design, Inc. (portions)",
        "2023 PgCentral Foundation, Inc. (portions)",
    ],
    "seahash": ["ticki <ticki@users.noreply.github.com>", "Tom Almeida <tom@tommoa.me>"],
}
WITHOUT_A_FILE["pgrx-pg-sys"] = WITHOUT_A_FILE["pgrx-sql-entity-graph"] = WITHOUT_A_FILE["pgrx"]

NOTICE = re.compile(r"^(licen[sc]e|copying|copyright|notice)", re.IGNORECASE)
# The holders: without the word itself, and not the blanks of a form that nobody has filled in.
COPYRIGHT = re.compile(r"^\W*copyright\s+(?:\(c\)\s*|©\s*)?(?!.*<year>)(.*\d{4}.*)$", re.IGNORECASE | re.MULTILINE)
# Debian has these once for all packages, and wants them left out of each.
COMMON = {
    "Apache-2.0": re.compile(
        r"^\s*Apache License\s+Version 2\.0, January 2004.*?END OF TERMS AND CONDITIONS"
        r"(\s+APPENDIX.*?limitations under the License\.)?", re.DOTALL | re.MULTILINE),
    "CC0-1.0": re.compile(r"^\s*Creative Commons Legal Code\s+CC0 1\.0.*", re.DOTALL | re.MULTILINE),
}


def mit():
    """The terms of our own licence, without its heading and our notice."""
    text = (Path(__file__).parent.parent / "LICENSE").read_text()
    return text[text.index("Permission is hereby granted"):].strip()


def notices(folder, is_choice):
    """The texts in a crate's source. What Debian has is referred to, unless there is another to choose."""
    texts = []
    for path in sorted(folder.rglob("*")):
        is_notice = NOTICE.match(path.name) or path.parent.name == "LICENSES"
        if path.is_file() and path.suffix not in (".rs", ".html") and is_notice:
            text = path.read_text(errors="replace").strip()
            for name, pattern in COMMON.items():
                reference = f"The text of {name} is in /usr/share/common-licenses/{name} on Debian."
                text = pattern.sub(reference, text).strip()
                if text == reference and is_choice:
                    text = ""
            if text and text not in texts:
                texts.append(text)
    return texts


def stanza(package):
    """What the copyright file says of one crate: licence, holders, texts."""
    name, folder = package["name"], Path(package["manifest_path"]).parent
    licence = package["license"].replace("/", " OR ").replace(" OR ", " or ").replace(" AND ", " and ")
    if name == "neon_auth_admin":
        texts = [(folder / "LICENSE").read_text().strip()]
    else:
        texts = notices(folder, " or " in licence)
    holders = [holder.strip() for text in texts for holder in COPYRIGHT.findall(text)]
    if not texts and name in WITHOUT_A_FILE:
        holders, texts = WITHOUT_A_FILE[name], [mit()]
    if not texts:
        sys.exit(f"{name} {package['version']} ({licence}) has no licence text in {folder}")
    return licence, tuple(dict.fromkeys(holders or package["authors"] or [f"The authors of {name}"])), tuple(texts)


def field(lines):
    """The lines after the first, as a field of a control file has them."""
    return "".join(f" {line.rstrip()}\n" if line.strip() else " .\n" for line in lines)


def main():
    linked = {tuple(line.replace(" v", " ").split()[:2]) for line in Path(sys.argv[1]).read_text().splitlines()}
    packages = {(p["name"], p["version"]): p for p in json.load(sys.stdin)["packages"]}
    groups = {}
    for key in sorted(linked):
        groups.setdefault(stanza(packages[key]), []).append(key)
    print("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/")
    print("Upstream-Name: neon_auth_admin")
    print("Comment: crates/NAME-VERSION stands for the source of a crate that is linked into the library.\n"
          " The notices of Rust's standard library are in COPYRIGHT-library.html beside this file.")
    for (licence, holders, texts), keys in sorted(groups.items(), key=lambda item: item[1][0][0] != "neon_auth_admin"):
        own = keys[0][0] == "neon_auth_admin"
        files = ["*"] if own else [f"crates/{name}-{version}/*" for name, version in keys]
        body = "\n\n---\n\n".join(texts).splitlines()
        print(f"\nFiles: {files[0]}\n{field(files[1:])}Copyright: {holders[0]}\n{field(holders[1:])}", end="")
        print(f"License: {licence}\n{field(body)}", end="")


main()
