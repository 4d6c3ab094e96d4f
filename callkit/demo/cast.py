"""The cast of the demo company: its sources, projects, grades, people and pipelines, and how each of them behaves.

Keys and numbers only; what a key is called in Russian and English stands in `texts/demo.toml`. A factor of 1 is
ordinary; `weight` is a chance relative to the others of the list.
"""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """`grades` are the chances of the grades in `GRADES`; `after_sale` is how many calls follow a won deal."""

    key: str
    weight: float
    conversion: float
    calls: float
    missed: float
    inbound_first: float
    after_sale: float
    grades: tuple[float, float, float]


class Project(NamedTuple):
    key: str
    weight: float
    conversion: float
    calls: float
    talk: float
    amount: float


class Grade(NamedTuple):
    """`conversion` is a chance here, not a factor; a deal ends between `soonest` and `latest` days after it began."""

    key: str
    conversion: float
    calls: float
    amount: float
    soonest: float
    latest: float


class Manager(NamedTuple):
    manager_id: int
    team: str
    weight: float
    conversion: float
    calls: float
    talk: float
    amount: float


SOURCES = (
    Source("source_site", 0.22, 1.05, 1.0, 0.24, 0.35, 0.6, (0.44, 0.33, 0.23)),
    Source("source_ads", 0.20, 0.90, 1.0, 0.27, 0.40, 0.6, (0.40, 0.35, 0.25)),
    Source("source_market", 0.14, 1.05, 0.8, 0.25, 0.50, 4.2, (0.46, 0.32, 0.22)),
    Source("source_referral", 0.12, 1.35, 0.7, 0.16, 0.60, 0.5, (0.68, 0.23, 0.09)),
    Source("source_cold", 0.15, 0.55, 1.5, 0.41, 0.00, 0.5, (0.10, 0.36, 0.54)),
    Source("source_repeat", 0.10, 1.15, 0.8, 0.17, 0.40, 0.8, (0.50, 0.32, 0.18)),
    Source("source_fair", 0.07, 0.85, 1.1, 0.26, 0.10, 0.6, (0.34, 0.38, 0.28)),
)
PROJECTS = (
    Project("project_air", 0.32, 1.10, 0.9, 0.85, 68_000),
    Project("project_vent", 0.21, 1.00, 1.1, 1.00, 210_000),
    Project("project_pump", 0.09, 0.90, 1.2, 1.10, 340_000),
    Project("project_clean", 0.15, 1.10, 0.8, 0.80, 62_000),
    Project("project_smart", 0.23, 0.70, 1.35, 1.55, 92_000),
)
GRADES = (
    Grade("grade_aa", 0.56, 0.95, 1.45, 0.04, 1.2),
    Grade("grade_bb", 0.17, 1.05, 1.0, 1.5, 6.5),
    Grade("grade_cc", 0.075, 1.05, 0.95, 14.0, 55.0),
)
MANAGERS = (
    Manager(501, "team_1", 0.185, 1.05, 1.0, 0.95, 1.05),
    Manager(502, "team_2", 0.145, 0.45, 1.5, 1.35, 0.60),
    Manager(503, "team_1", 0.150, 1.10, 0.9, 0.90, 1.00),
    Manager(504, "team_2", 0.120, 1.05, 1.0, 0.90, 1.20),
    Manager(505, "team_2", 0.100, 1.00, 0.9, 0.95, 1.00),
    Manager(506, "team_1", 0.085, 1.15, 0.9, 0.80, 1.10),
    Manager(507, "team_3", 0.075, 1.00, 0.9, 0.95, 1.10),
    Manager(508, "team_3", 0.072, 1.05, 0.9, 0.90, 1.15),
    Manager(509, "team_3", 0.068, 1.10, 0.8, 0.95, 1.15),
)
REGIONS: tuple[tuple[str, float, float], ...] = (  # weight, and how much dearer
    ("region_1", 0.36, 1.15),
    ("region_2", 0.21, 1.05),
    ("region_3", 0.14, 0.95),
    ("region_4", 0.11, 0.90),
    ("region_5", 0.10, 0.90),
    ("region_6", 0.08, 0.95),
)

HOT, COLD, REPEAT, AFTER_SALE = 3, 4, 5, 2  # places in SOURCES
SMART = 4  # place in PROJECTS
BUSIEST, TALKER = 0, 1  # places in MANAGERS
LEFT_THE_COMPANY = 510  # a manager who still has calls and deals, and no row in managers.csv
DELETED_STAGE = 41205500

WON, LOST = 142, 143  # one id in every pipeline, as in amoCRM
# pipeline, then its stages in order: (stage id, key, position, kind)
PIPELINES = (
    (
        "pipeline_sales",
        (
            (41205010, "stage_new", 10, "open"),
            (41205020, "stage_qualify", 20, "open"),
            (41205030, "stage_survey", 30, "open"),
            (41205040, "stage_offer", 40, "open"),
            (41205050, "stage_contract", 50, "open"),
            (WON, "stage_won", 10000, "won"),
            (LOST, "stage_lost", 11000, "lost"),
        ),
    ),
    (
        "pipeline_repeat",
        (
            (41306010, "stage_again", 10, "open"),
            (41306020, "stage_agree", 20, "open"),
            (WON, "stage_won", 10000, "won"),
            (LOST, "stage_lost", 11000, "lost"),
        ),
    ),
)
# (pipeline, outcome) -> the ways a deal goes and how often; a letter a stage: 1 is the first of the pipeline, W won,
# L lost. A way that falls back (`3 2`) is a deal moved back a stage, one with L in the middle a deal reopened.
PATHS = {
    (0, "won"): {"12345W": 40, "1245W": 25, "145W": 16, "1234345W": 8, "1232345W": 6, "12L245W": 5},
    (0, "lost"): {"1L": 14, "12L": 32, "123L": 17, "124L": 18, "1234L": 8, "1242L": 4, "12L24L": 3, "12345L": 2},
    (0, "open"): {"1": 22, "12": 30, "123": 16, "124": 20, "1234": 6, "1232": 3, "12345": 3},
    (1, "won"): {"12W": 80, "1212W": 10, "1L2W": 10},
    (1, "lost"): {"1L": 50, "12L": 45, "121L": 5},
    (1, "open"): {"1": 50, "12": 45, "121": 5},
}

HOURS = {9: 0.8, 10: 1.2, 11: 1.3, 12: 1.0, 13: 0.5, 14: 0.9, 15: 1.2, 16: 1.2, 17: 1.0, 18: 0.6}
WEEKDAYS = (1.05, 1.1, 1.05, 1.0, 0.9, 0.12, 0.01)
SEASONS = (0.80, 0.88, 0.97, 1.00, 1.00, 1.05, 1.00, 0.92, 1.08, 1.12, 1.05, 0.90)
GROWTH_A_MONTH = 0.03

# The planted shares, held in every month. Classes: any other, then what the comment names
TALK_SHARES = {
    "project": (0.60, 0.40),  # the smart home
    "grade": (0.05, 0.365, 0.585),  # AA, BB and CC
    "manager": (0.59, 0.25, 0.16),  # the talker, the one with most deals
    "source": (0.59, 0.087, 0.043, 0.095, 0.185),  # AFTER_SALE before and after it, HOT, COLD
}
REVENUE_SHARES = {
    "project": (0.90, 0.10),
    "grade": (0.015, 0.785, 0.20),
    "manager": (0.98, 0.02),
}
