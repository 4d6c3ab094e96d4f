"""Who sees what: `[access]` of callkit.toml, the viewer a page is made for, and the people whose work he sees.

A server tells each process that makes a page who looks, in its environment, before anything is computed; a company
opened there is opened for that viewer and knows no other. Without a server nobody is restricted: whoever runs a
notebook has the tables anyway.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from callkit.errors import UsageError

if TYPE_CHECKING:
    from callkit.company import Company
    from callkit.locale import Locale

VIEWER = "CALLKIT_VIEWER"
EVERYTHING, TEAMS, THEMSELVES, NOTHING = "everything", "teams", "themselves", "nothing"
_PROXY_HERE = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks: `sees` is everything, teams, themselves or nothing; `names` the teams, or the one manager."""

    user: str = ""
    sees: str = EVERYTHING
    names: tuple[str, ...] = ()

    def told(self) -> str:
        """The viewer as text for the environment of a process.

        >>> Viewer("vera", "teams", ("North",)).told()
        '{"user": "vera", "sees": "teams", "names": ["North"]}'
        """
        return json.dumps({"user": self.user, "sees": self.sees, "names": self.names}, ensure_ascii=False)

    def said(self, locale: Locale) -> str:
        """What of the company the viewer sees, as a sentence for the page; nothing where he sees everything."""
        return "" if self.sees == EVERYTHING else locale.text(f"access.{self.sees}", names=", ".join(self.names))


NOBODY = Viewer(sees=NOTHING)


def looking() -> Viewer:
    """The viewer this process works for: the one its environment tells, everybody's where it tells none.

    What cannot be understood is a viewer who sees nothing.
    """
    told = os.environ.get(VIEWER)
    if told is None:
        return Viewer()
    try:
        content = json.loads(told)
        viewer = Viewer(str(content["user"]), content["sees"], tuple(map(str, content["names"])))
    except (ValueError, TypeError, KeyError):
        return NOBODY
    return viewer if viewer.sees in (EVERYTHING, TEAMS, THEMSELVES) else NOBODY


def people(company: Company) -> tuple[int, ...] | None:
    """The codes of the managers whose calls and deals the company's viewer sees; None for all of them.

    A team is known by its name, a manager by id or else by label. Names that the company does not know give nobody.
    """
    viewer = company.viewer
    if viewer.sees == EVERYTHING:
        return None
    marks = ", ".join("?" * len(viewer.names))
    if viewer.sees == NOTHING or not viewer.names:
        return ()
    if viewer.sees == TEAMS:
        of_teams = f"""
            SELECT m.manager FROM managers AS m JOIN labels AS l ON l.dimension = 'team' AND l.code = m.team
            WHERE m.manager > 0 AND l.label IN ({marks}) ORDER BY m.manager
        """
        return tuple(code for (code,) in company.engine.query(of_teams, viewer.names))
    for known_by in ("id", "label"):
        managers = f"SELECT code FROM labels WHERE dimension = 'manager' AND code > 0 AND {known_by} IN ({marks})"
        if found := company.engine.query(managers, viewer.names):
            return tuple(code for (code,) in found)
    return ()


@dataclass(frozen=True)
class Rules:
    """`[access]` of a callkit.toml: who is told by which header of which proxies, and what each user sees.

    Without users, everybody who gets in sees everything; with users, whoever is not among them sees nothing.
    """

    header: str = ""
    trusted: tuple[str, ...] = _PROXY_HERE
    users: Mapping[str, Viewer] = field(default_factory=dict)

    def viewer(self, user: str) -> Viewer:
        """What a user sees, by his exact name; `user` is empty where nothing tells who it is.

        >>> rules = rules_of({"everything": ["olga"], "teams": {"vera": ["North"]}, "themselves": {"ivan": "m7"}})
        >>> rules.viewer("vera").names, rules.viewer("ivan").names, rules.viewer("Olga").sees
        (('North',), ('m7',), 'nothing')
        """
        if not self.users:
            return Viewer(user)
        return self.users.get(user, Viewer(user, NOTHING)) if user else NOBODY

    def trusts(self, address: str) -> bool:
        """Whether requests from this address may tell who looks.

        >>> rules_of({"header": "X-Forwarded-User", "trusted": ["10.0.0.0/8"]}).trusts("10.1.2.3")
        True
        """
        try:
            own = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(own in ipaddress.ip_network(network, strict=False) for network in self.trusted)


def rules_of(access: Mapping[str, Any], where: str = "callkit.toml") -> Rules:
    """The rules that `[access]` states; `where` names the file in errors.

    Raises UsageError for a user named twice and for an address that is none.
    """
    users: dict[str, Viewer] = {}
    told = [(user, Viewer(user)) for user in access.get(EVERYTHING, ())]
    told += [(user, Viewer(user, TEAMS, tuple(names))) for user, names in access.get(TEAMS, {}).items()]
    told += [(user, Viewer(user, THEMSELVES, (manager,))) for user, manager in access.get(THEMSELVES, {}).items()]
    for user, viewer in told:
        if user in users:
            raise UsageError(f"{where}: [access] names {user!r} twice; a user sees everything, teams or themselves")
        users[user] = viewer
    trusted = tuple(access.get("trusted", _PROXY_HERE))
    for network in trusted:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise UsageError(
                f"{where}: [access] trusted: {network!r} is no address, as '10.0.0.5' or '10.0.0.0/8'"
            ) from None
    return Rules(access.get("header", ""), trusted, users)
