"""The calls of the demo company: when, by whom, on which deal, how long, and where the CRM logged them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from callkit.demo import cast
from callkit.demo.chance import DAY, Flags, Floats, Ints, settled
from callkit.demo.deals import EMPTY, FIRST_DEAL, OPEN, WON, Deals, factor, grade_class, manager_ids, unplanted

DIRECTIONS = ("in", "out", "unknown")
IN, OUT, UNKNOWN = 0, 1, 2
FIRST_CONTACT, FIRST_CALL = 60_200_000, 700_300_000
LONGEST_TALK, LINE_LEFT_OPEN = 7_200, 4 * 3_600


@dataclass(frozen=True)
class Contacts:
    """Who stands on the deals, a row a deal.

    `second` is a further contact (-1: none); `alone` says that the first contact has no other deal, `newest` that none
    of the contact's deals is newer.
    """

    first: Ints
    second: Ints
    alone: Flags
    newest: Flags


@dataclass
class Calls:
    """The calls before they are sorted, a row a call; `deal` is the place of the deal (-1: none) it is really about."""

    deal: Ints
    after_sale: Flags
    opening: Flags

    def __post_init__(self) -> None:
        self.placed = self.deal != EMPTY

    def __len__(self) -> int:
        return len(self.deal)

    def of(self, column: Ints) -> Ints:
        """A column of the deals, -1 for calls without a deal."""
        return np.where(self.placed, column[self.deal], EMPTY)


def draw_contacts(deals: Deals) -> Contacts:
    """The contacts of every deal; one in sixteen has a second one."""
    place = np.arange(len(deals))
    newest = np.zeros(len(deals), dtype=np.int64)
    newest[deals.contact] = place  # of several deals, the last one written stays
    has_second = deals.draws.uniform("second contact", len(deals)) < 0.06
    return Contacts(
        first=deals.contact,
        second=np.where(has_second, len(deals) + np.cumsum(has_second) - 1, EMPTY),
        alone=np.bincount(deals.contact, minlength=len(deals))[deals.contact] == 1,
        newest=newest[deals.contact] == place,
    )


def deal_contacts(contacts: Contacts) -> pd.DataFrame:
    """The table of the same name, by deal and contact."""
    place, has_second = np.arange(len(contacts.first)), contacts.second != EMPTY
    pairs = {
        "deal_id": FIRST_DEAL + np.concatenate([place, place[has_second]]),
        "contact_id": FIRST_CONTACT + np.concatenate([contacts.first, contacts.second[has_second]]),
    }
    return pd.DataFrame(pairs).sort_values(["deal_id", "contact_id"], ignore_index=True)


def draw_calls(deals: Deals, contacts: Contacts, count: int, dirt: Mapping[str, int]) -> pd.DataFrame:
    """Exactly `count` calls by their start, about 3 % of them on no deal; EMPTY (-1) stands for an empty id."""
    draws = deals.draws
    calls = _attempts(deals, count - count * 3 // 100, count * 3 // 100)
    source = calls.of(deals.source)
    inbound = calls.opening & (draws.uniform("inbound first", count) < factor(cast.SOURCES, "inbound_first", source))
    started, ahead = _moments(deals, calls, inbound)
    direction = np.where(inbound | (~calls.opening & (draws.uniform("direction", count) < 0.3)), IN, OUT)
    direction[draws.pick("unknown direction", ~calls.opening, dirt["calls_of_unknown_direction"])] = UNKNOWN
    manager = _managers(deals, calls, source, started < len(deals.clock.days) * DAY // 2, dirt)
    _one_call_a_second(started, manager)
    deal_id, contact_id = _logged_on(deals, contacts, calls, started, ahead, unknown=dirt["calls_of_unknown_deals"])
    _meet(started, manager, contact_id == EMPTY, dirt["calls_at_one_second"])

    missed = np.where(source == EMPTY, 0.3, factor(cast.SOURCES, "missed", source))
    missed *= np.where(direction == IN, 0.5, 1.25)
    answered = inbound | (draws.uniform("missed", count) >= missed)
    talk = _talk(deals, calls, manager, started, answered, left_open=dirt["talks_over_four_hours"])
    table = pd.DataFrame(
        {
            "started_at": started,
            "talk_seconds": talk,
            "direction": direction,
            "manager_id": manager_ids(manager),
            "deal_id": deal_id,
            "contact_id": contact_id,
        }
    )
    table = table.iloc[np.argsort(started, kind="stable")].reset_index(drop=True)
    table.insert(0, "call_id", FIRST_CALL + np.arange(count))
    return table


def _attempts(deals: Deals, on_deals: int, on_none: int) -> Calls:
    """Which deal each call is about, before or after the sale, the deal's first one marked; last those on no deal."""
    draws, clock = deals.draws, deals.clock
    before = 3.0 * draws.lognormal("calls before", len(deals), 0.35)
    before *= factor(cast.SOURCES, "calls", deals.source) * factor(cast.PROJECTS, "calls", deals.project)
    before *= factor(cast.GRADES, "calls", deals.grade) * factor(cast.MANAGERS, "calls", deals.owner)
    before *= np.minimum((clock.total - deals.begun) / (deals.ended - deals.begun), 1)
    after = factor(cast.SOURCES, "after_sale", deals.source) * draws.lognormal("calls after", len(deals), 0.5)
    after *= (deals.outcome == WON) * np.clip((clock.total - deals.ended) / (30 * clock.day), 0, 1)
    rates = np.rint(np.concatenate([before, after]) * 1_000).astype(np.int64)
    rates[0] += 1  # so that a company of one deal has a rate at all
    reached = np.cumsum(rates)
    # Rounding the running sum hands out exactly `on_deals` calls, each deal getting its rate give or take one.
    numbers = np.diff(reached * on_deals // reached[-1], prepend=0)
    deal = np.repeat(np.tile(np.arange(len(deals)), 2), numbers)
    after_sale = np.repeat(np.arange(2 * len(deals)) >= len(deals), numbers)
    opening = np.diff(deal, prepend=EMPTY) != 0
    none = np.zeros(on_none, dtype=bool)
    return Calls(
        np.concatenate([deal, np.full(on_none, EMPTY)]),
        np.concatenate([after_sale, none]),
        np.concatenate([opening & ~after_sale, none]),
    )


def _moments(deals: Deals, calls: Calls, inbound: Flags) -> tuple[Ints, Flags]:
    """When each call began, and which came days ahead of their deal."""
    draws, clock = deals.draws, deals.clock
    chance = draws.uniform("moment", len(calls))
    begun, ended = deals.begun[calls.deal], np.minimum(deals.ended, clock.total - 1)[calls.deal]
    ahead = calls.placed & ~calls.after_sale & ~calls.opening & (begun > 10 * clock.day)
    ahead &= draws.uniform("ahead", len(calls)) < 0.012
    position = np.select(
        [~calls.placed, calls.after_sale, ahead, calls.opening],
        [
            _part(chance, clock.total),
            ended + _part(chance * chance, np.minimum(clock.total - 1 - ended, 30 * clock.day)),
            begun - clock.day - _part(chance, 9 * clock.day),
            np.minimum(begun + _part(chance, clock.day // 8), ended),
        ],
        begun + _part(chance, ended - begun),
    )
    # The call that creates the deal begins minutes before it.
    creating = deals.created[calls.deal] - 20 - _part(chance, 420)
    return np.where(inbound, creating, clock.seconds(position)), ahead


def _part(chance: Floats, whole: Ints | int) -> Ints:
    return (chance * whole).astype(np.int64)


def _managers(deals: Deals, calls: Calls, source: Ints, early: Flags, dirt: Mapping[str, int]) -> Ints:
    """Who spoke: the owner of the deal nine times of ten, else anybody."""
    draws = deals.draws
    anybody = draws.choice("anybody", [m.weight for m in cast.MANAGERS], len(calls))
    owns = calls.placed & (draws.uniform("owner speaks", len(calls)) < 0.9)
    manager = np.where(owns, calls.of(deals.owner), anybody)
    manager = np.where(manager == len(cast.MANAGERS), anybody, manager)  # the one who left speaks only below
    plain = unplanted(source, manager)
    manager[draws.pick("who left", plain & early, dirt["calls_by_missing_manager"])] = len(cast.MANAGERS)
    manager[draws.pick("nobody", plain & (manager < len(cast.MANAGERS)), dirt["calls_by_nobody"])] = EMPTY
    return manager


def _one_call_a_second(started: Ints, manager: Ints) -> None:
    """Move calls by a second or more where one manager would begin two at once: in place, nothing else is changed."""
    order = np.lexsort((started, manager))
    rank = np.arange(len(order))
    apart = manager[order] * (1 << 40)  # keeps one manager's calls from pushing the next one's
    started[order] = np.maximum.accumulate(started[order] + apart - rank) + rank - apart


def _meet(started: Ints, manager: Ints, movable: Flags, rows: int) -> None:
    """Make pairs of one manager's calls begin at one second, `rows` calls in all: those that nearly did anyway."""
    order = np.lexsort((started, manager))
    former, latter = order[0:-1:2], order[1::2]
    gap = np.where((manager[former] == manager[latter]) & (manager[former] != EMPTY) & movable[latter], 0, 1 << 40)
    gap += started[latter] - started[former]
    nearest = np.argsort(gap, kind="stable")[: rows // 2]
    nearest = nearest[gap[nearest] < DAY]
    started[latter[nearest]] = started[former[nearest]]


def _logged_on(
    deals: Deals, contacts: Contacts, calls: Calls, started: Ints, ahead: Flags, *, unknown: int
) -> tuple[Ints, Ints]:
    """Deal ids and contact ids: a call is logged on one of the two, or on neither where nobody knows the caller.

    On a contact only where the rule of placing leads back to the very deal: the planted truths rest on that. A live
    deal must be the newest of the contact, a closed one the only one and closed less than 30 days ago (29: an hour of
    summer time must not matter).
    """
    draws = deals.draws
    chance = draws.uniform("logged on", len(calls))
    still_open = (deals.outcome == OPEN)[calls.deal] | (started < deals.closed[calls.deal])
    leads_back = contacts.alone & (deals.outcome == WON)
    recent = leads_back[calls.deal] & (started < deals.closed[calls.deal] + 29 * DAY)
    back = calls.placed & ~ahead & np.where(still_open, contacts.newest[calls.deal], recent)
    to_contact = back & (chance < np.where(still_open, 0.12, 0.5))
    deal_id = np.where(calls.placed & ~to_contact, FIRST_DEAL + calls.deal, EMPTY)
    second = contacts.second[calls.deal]
    known = np.where((second != EMPTY) & (chance < 0.06), second, contacts.first[calls.deal])
    stranger = 2 * len(deals) + np.arange(len(calls)) // 2
    contact = np.select([to_contact, ~calls.placed & (chance < 0.7)], [known, stranger], EMPTY)
    lost = draws.pick("unknown deal", ~calls.placed, unknown)
    deal_id[lost] = FIRST_DEAL - 7 * (1 + np.arange(len(lost)))
    contact[lost] = EMPTY
    return deal_id, np.where(contact == EMPTY, EMPTY, FIRST_CONTACT + contact)


def _talk(deals: Deals, calls: Calls, manager: Ints, started: Ints, answered: Flags, *, left_open: int) -> Ints:
    """Seconds of talk, 0 where nobody answered, the planted shares of talk made to hold in every month."""
    draws, project, source = deals.draws, calls.of(deals.project), calls.of(deals.source)
    talk = np.where(calls.placed, 150, 90) * draws.lognormal("talk", len(calls), 0.85)
    talk *= factor(cast.PROJECTS, "talk", project) * factor(cast.MANAGERS, "talk", manager)
    talk = np.where(answered, talk, 0)
    plain = unplanted(source, manager) & (project != cast.SMART)
    forgotten = draws.pick("line left open", answered & calls.placed & plain, left_open)
    talk[forgotten] = LINE_LEFT_OPEN + 60 + _part(draws.uniform("open line", len(forgotten)), 5_000)
    movable = answered & (talk < LINE_LEFT_OPEN)
    sold = calls.placed & (deals.outcome == WON)[calls.deal] & (started >= deals.closed[calls.deal])
    classes = {
        "project": (project == cast.SMART).astype(np.int64),
        "grade": grade_class(calls.of(deals.grade)),
        "manager": np.select([manager == cast.TALKER, manager == cast.BUSIEST], [1, 2], 0),
        "source": np.select([source == cast.AFTER_SALE, source == cast.HOT, source == cast.COLD], [1 + sold, 3, 4], 0),
    }
    talk = settled(talk, movable, deals.clock.month(started), classes, cast.TALK_SHARES)
    return np.where(movable, np.clip(talk, 3, LONGEST_TALK), talk).astype(np.int64)
