"""Languages are named where something shows them, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.models.languages import NAMES, NO_LETTERS, UNCLEAR, language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What a lovely day, I could sit here for hours and not be bored", "English"),
        ("Hoy hace mucho calor y no tengo ganas de salir de la casa", "Spanish"),
        ("Hoje está muito quente e eu não quero sair de casa para nada", "Portuguese"),
        ("Il fait très chaud et je ne veux pas sortir de la maison", "French"),
        ("Heute ist es sehr heiß und ich will nicht aus dem Haus", "German"),
        ("Oggi fa molto caldo e non ho voglia di uscire per la spesa", "Italian"),
        ("Het is vandaag erg warm en ik wil niet naar buiten", "Dutch"),
        ("Dzisiaj jest bardzo gorąco i nie chce mi się wychodzić", UNCLEAR),
        ("Bugün hava çok güzel, evden ayr\u0131lmak istemiyorum", UNCLEAR),
        ("Hari ini panas sekali, saya tidak mau keluar rumah", UNCLEAR),
        ("lol", UNCLEAR),
        ("Сегодня очень жарко, не хочу выходить из дома", "Cyrillic script"),
        ("الجو حار جدا اليوم", "Arabic script"),
        ("आज बहुत गर्मी है", "Devanagari script"),
        ("今日はとても暑いです", "Japanese"),
        ("今天很热不想出门", "Chinese characters"),
        ("오늘은 너무 덥다", "Korean"),
        ("วันนี้ร้อนมาก", "Thai"),
        ("Σήμερα κάνει πολλή ζέστη", "Greek"),
        ("היום חם מאוד", "Hebrew script"),
        ("123 !!! 🎉", NO_LETTERS),
        ("", NO_LETTERS),
        ("I don\u2019t know what it\u2019s all about", "English"),
    ],
)
def test_a_language_is_named_by_its_commonest_words_or_its_script(text: str, expected: str) -> None:
    """What neither shows is unclear, Polish and Turkish among it."""
    assert language(text) == expected


@given(st.text(max_size=300))
def test_any_text_has_one_of_the_names(text: str) -> None:
    """Whatever characters it is of."""
    assert language(text) in NAMES
