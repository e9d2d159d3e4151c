"""How large things are in a cohort with heart failure, and where each figure comes from.

[R] read in the source, [D] ours: chosen so that the published figures come out.

TEN-HMS: Zhang et al., European Journal of Heart Failure 2009, 11:420, 168 people.
FAST: Abraham et al. 2011, 156 people. Moazeni: European Heart Journal Digital Health 2023, 4:455.
"""

DAYS_A_YEAR = 365.25

CLIMB_DAYS = 14
"""The span before an admission over which TEN-HMS gives the change of weight [R]."""

WORSENING_CHANGE_KG = (0.9, 2.1)
"""Mean and standard deviation of that change before an admission for worsening [R, TEN-HMS]. Its
mean is less than half of its spread: many decline without any gain."""
OTHER_CHANGE_KG = (-0.2, 1.1)
"""The same before an admission for another reason [R, TEN-HMS]."""

WORSENING_WATER_KG = (0.9, 1.8)
OTHER_CHANGE_DRAWN_KG = (-0.2, 0.3)
"""What is drawn for an episode: with the spread of every day (below) it makes the changes above."""

WORSENING_A_YEAR = 64 / (74 * 327 / DAYS_A_YEAR)
"""64 episodes in 74 people over 327 days (median) [R, Moazeni]."""
OTHER_A_YEAR = WORSENING_A_YEAR * 76 / 45
"""76 of the people were admitted for other reasons while 45 were for worsening [R, TEN-HMS]."""

WEIGHED_SHARE = 0.76
"""Of days on which people weighed in [R, FAST]."""
WEIGHED_SHARE_SPREAD = 8.0
"""Of that share between people: the sum of the two numbers of a beta distribution [D]."""

SCALE_KG = 0.7
"""Standard deviation of clothes, the hour, a drink before and the floor under the scale [D]: with
food and bowels it makes rules of thumb go off about as often as TEN-HMS and FAST say."""
WANDER_KG, WANDER_DAYS = 0.3, 30.0
"""A weight that wanders around its mean: standard deviation, and how long it remembers [D]."""

IN_HOSPITAL_DAYS = 7
"""Nobody weighs themselves at home; then the water is gone [D]."""
APART_DAYS = CLIMB_DAYS + IN_HOSPITAL_DAYS + 14
"""Between two admissions of one person, at least [D]."""
