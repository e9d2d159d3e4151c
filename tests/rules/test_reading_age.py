"""Syllables against a table counted by ear, and the grade against sums done by hand."""

import pytest

from rules.reading_age import grade, reading_age, sentences, syllables, words

BY_EAR = {
    1: """the sit rest call press turn stay please weight scale time pain chest breath breathe
    pulse home care team side speech weak numb head heart faint door drink help week nurse more
    worse hurts pressed asked watched changed closed moved used called phoned eight year years eyes
    once friend clothes built through cough smoke touch high night young while juice queue tongue
    tried guess twice""",
    2: """ankles pillows swollen pressure measure measured rested needed careful safely movement
    people going being seeing trying saying water sugar doctor minutes tablet button later today
    morning evening every someone sometimes unlock answer questions reading body holding lowest
    little middle simple table settled handled quiet diet fluid science create open toilet biscuit
    garden carbon danger boxes dizzy busy city circle muscle poem lion ruin giant client trial
    cruel fuel careless breakfast phoning beyond kindness hopeful churches pages patients million
    onion safety ninety anxious react soldier""",
    3: """oxygen carefully animal another usual important medicine hospital ambulance monoxide
    everything area idea radio piano medical remember tomorrow yesterday telephone breathlessness
    confusion attention direction allotment decided carrying worrying video audio furniture
    completely element manual annual diagram violent quietly appointment decision uneasy museum
    easier earlier heaviest serious period insulin pharmacist inhaler
    gradual family battery average systolic alcohol""",
    4: """emergency temperature thermometer usually television diabetes material experience
    immediate information education hypertension independent community activity pneumonia anxiety
    society variety diastolic saturation calculator""",
    5: """paracetamol immediately refrigerator electricity university communication
    opportunity possibility""",
    6: "responsibility cardiovascular hypoglycaemia",
}
TABLE = [(word, count) for count, listed in BY_EAR.items() for word in listed.split()]
SPOKEN = [
    ("999", 3),
    ("111", 3),
    ("2", 1),
    ("7", 2),
    ("12", 1),
    ("20", 2),
    ("80", 2),
    ("82.3", 5),
    ("08:05", 4),
    ("I'm", 1),
    ("don't", 1),
    ("doctor's", 2),
    ("check-in", 2),
]


def test_the_table_is_long_enough_to_hold_the_counter():
    assert len({word for word, _ in TABLE}) == len(TABLE) >= 200


@pytest.mark.parametrize(("word", "count"), TABLE, ids=[word for word, _ in TABLE])
def test_syllables_of_a_word(word, count):
    assert syllables(word) == count
    assert syllables(word.capitalize()) == count


@pytest.mark.parametrize(("written", "count"), SPOKEN, ids=[written for written, _ in SPOKEN])
def test_syllables_of_figures_and_of_joined_words(written, count):
    assert syllables(written) == count


def test_a_sentence_ends_at_a_stop_and_not_within_a_figure():
    text = 'It is 82.3 kg. Is it "usual?" Yes'
    assert sentences(text) == ["It is 82.3 kg.", 'Is it "usual?"', "Yes"]
    assert words(text) == ["It", "is", "82.3", "kg", "Is", "it", "usual", "Yes"]


BY_HAND = [
    # 6 words of one syllable in 1 sentence: 0.39 * 6 + 11.8 * 1 - 15.59
    ("The cat sat on the mat.", -1.45),
    # 10 words, 14 syllables, 2 sentences: 0.39 * 5 + 11.8 * 1.4 - 15.59
    ("Your weight is higher today. Please answer three short questions.", 2.88),
    # 5 words, 22 syllables, 1 sentence: 0.39 * 5 + 11.8 * 4.4 - 15.59
    ("Hypertension necessitates immediate pharmacological intervention.", 38.28),
]


@pytest.mark.parametrize(("text", "by_hand"), BY_HAND, ids=[text for text, _ in BY_HAND])
def test_the_grade_is_the_sum_done_by_hand(text, by_hand):
    assert grade(text) == pytest.approx(by_hand, abs=0.005)
    assert reading_age(text) == pytest.approx(by_hand + 5, abs=0.005)


def test_a_text_without_words_asks_nothing_of_its_reader():
    assert grade("...") < grade("A.")


def test_how_a_text_is_broken_into_lines_changes_nothing():
    text = "Your weight is higher today. Please answer three short questions."
    assert grade(text.replace(" ", "\n  ")) == grade(text)
