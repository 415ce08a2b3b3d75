"""`lexical` on texts that are not English: what is right has no likely error, what is wrong has."""

import pytest

from evalharness.checks.lexical.lexical import Lexical
from evalharness.records import Article, Summary, flag_kind

ARTICLES = {
    "de": "Das Krankenhaus in Buchenried bekommt eine neue Notaufnahme. Der Kreistag stimmte am "
    "Donnerstag mit 41 zu 12 Stimmen für den Bau. Die Kosten liegen bei 22,5 Millionen Euro, das "
    "Land zahlt die Hälfte. Chefarzt Dr. Valentin Krause sagte, heute kämen 29.000 Patienten. Die "
    "Schulen öffnen am Montag nicht. Pflegedirektorin Swantje Heims hofft auf 18 Stellen. Am "
    "3. Juni will der Kreistag wieder beraten. Die Feuerwehr war mit 210 Einsatzkräften vor Ort.",
    "fr": "La maire de Clairval, Sandrine Morvan, a annoncé lundi la fermeture de la piscine pour "
    "deux ans. Le bâtiment perd chaque jour 12 000 litres d'eau. Les travaux coûteront 6,4 "
    "millions d'euros. Selon l'adjoint aux sports, Julien Castagnier, près de 900 élèves devront "
    "se rendre à Saint-Aubin. Une manifestation a eu lieu le 3 juin.",
    "es": "El alcalde de Valdelosa, Ramiro Quintana, inauguró el martes un centro de salud que "
    "costó 3,8 millones de euros. El edificio atenderá a unos 14.500 vecinos y contará con 26 "
    "médicos. La consejera Elvira Montalbán prometió otra ambulancia antes del 15 de marzo.",
    "it": "Il teatro di Montesereno riaprirà il 21 ottobre dopo un restauro durato cinque anni. "
    "Lo ha detto la sindaca Ornella Bracciali. I lavori sono costati 9,2 milioni di euro. La sala "
    "avrà 480 posti. Più di 1.200 cittadini hanno donato denaro.",
    "nl": "De gemeente Waterhoven bouwt 320 woningen op het oude haventerrein. Wethouder Annelies "
    "Brouwer presenteerde het plan op woensdag. De bouw kost 85 miljoen euro en begint op 1 "
    "maart. Volgens projectleider Daan Verkerk komt er een brug naar Zuidpolder.",
    "ru": "Мэр Ключегорска Андрей Соловьёв объявил во вторник о строительстве нового моста. "
    "Стоимость проекта составит 2,4 млрд рублей. Работы начнутся 12 апреля. По словам инженера "
    "Марины Черновой, мост выдержит 18 тысяч машин в день. Жители собрали 3200 подписей.",
}


def _likely_errors(language: str, summary: str) -> list[tuple[str, str]]:
    pair = (Article("a", ARTICLES[language]), Summary("a", summary))
    (score,) = Lexical().score([pair])
    return [(f.kind, f.span.of(summary)) for f in score.flags if flag_kind(f.kind).hard]


@pytest.mark.parametrize(
    ("language", "summary"),
    [
        ("de", "Eine deutliche Mehrheit der Abgeordneten billigte das Projekt in Buchenried."),
        ("de", "Mehr als 200 Feuerwehrleute waren im Einsatz, Verletzte gab es zum Glück keine."),
        ("de", "Die Klinik wird für mehr als 20 Millionen Euro erweitert; Krause begrüßt das."),
        ("de", "Mehr als ein Dutzend Arbeitsplätze wünscht sich Heims, der Andrang wächst."),
        ("de", "Fast dreißigtausend Kranke kommen jedes Jahr, der Unterricht fällt Montag aus."),
        ("fr", "À Clairval, les nageurs vont attendre : plus de 6 millions d'euros sont prévus."),
        ("fr", "Selon Julien Castagnier, environ neuf cents enfants iront nager ailleurs."),
        ("es", "Según Ramiro Quintana, más de 14.000 personas podrán usarlo pronto."),
        ("es", "Abrió sus puertas el edificio, que costó casi cuatro millones de euros."),
        ("it", "Secondo Ornella Bracciali sono serviti oltre nove milioni di euro."),
        ("it", "Quasi cinquecento spettatori potranno sedersi nella sala di Montesereno."),
        ("nl", "Volgens Annelies Brouwer komen er ruim 300 nieuwe huizen in Waterhoven."),
        ("nl", "Over enkele jaren trekken de eerste gezinnen in de nieuwe huizen."),
        ("ru", "Об этом сообщили после выступления Андрея Соловьёва в Ключегорске."),
        ("ru", "Проект обойдётся более чем в 2 млрд рублей. Марина Чернова довольна."),
    ],
)
def test_correct_summary_in_another_language_has_no_likely_error(
    language: str, summary: str
) -> None:
    assert _likely_errors(language, summary) == []


@pytest.mark.parametrize(
    ("language", "summary", "wrong"),
    [
        ("de", "Der Kreistag stimmte mit 41 zu 21 Stimmen für den Bau.", "21"),
        ("de", "Chefarzt Dr. Valentin Bergmann sagte, heute kämen 29.000 Patienten.", "Bergmann"),
        ("de", "Die Kosten liegen bei 25,2 Millionen Euro, das Land zahlt die Hälfte.", "25,2"),
        ("de", "Am 5. Juni will der Kreistag wieder beraten.", "5"),
        ("de", "Die Schulen öffnen am Montag.", "öffnen"),
        ("fr", "La maire de Clairval, Sandrine Lefort, a annoncé la fermeture.", "Lefort"),
        ("fr", "Les travaux coûteront 4,6 millions d'euros.", "4,6"),
        ("es", "El alcalde de Valdelosa, Ramiro Cárdenas, inauguró un centro.", "Cárdenas"),
        ("it", "La sala del teatro di Montesereno avrà 840 posti.", "840"),
        ("nl", "Wethouder Annelies Hoekstra presenteerde het plan op woensdag.", "Hoekstra"),
        ("ru", "Мэр Ключегорска Андрей Воробьёв объявил о строительстве моста.", "Воробьёв"),
        ("ru", "Мост выдержит 81 тысячу машин в день.", "81"),
    ],
)
def test_planted_error_in_another_language_is_a_likely_error(
    language: str, summary: str, wrong: str
) -> None:
    found = _likely_errors(language, summary)
    assert any(wrong in words for _, words in found), found


def test_small_words_of_another_language_are_not_marked_alone() -> None:
    summary = "Mit dem Bau stimmte der Kreistag als Land am Donnerstag zu."
    pair = (Article("a", ARTICLES["de"]), Summary("a", summary))
    (score,) = Lexical().score([pair])
    marked = {flag.span.of(summary) for flag in score.flags}
    assert marked.isdisjoint({"dem", "als", "Mit dem", "am"})


@pytest.mark.parametrize(
    ("language", "summary", "wrong"),
    [
        ("de", "Am 3. Juli will der Kreistag wieder beraten.", "3. Juli"),
        ("de", "Am 3. Juni will der Kreistag wieder beraten.", ""),
        ("fr", "Une manifestation a eu lieu le 3 juillet.", "3 juillet"),
        ("es", "Prometió otra ambulancia antes del 15 de mayo.", "15 de mayo"),
        ("it", "Il teatro riaprirà il 21 novembre dopo un restauro.", "21 novembre"),
        ("nl", "De bouw kost 85 miljoen euro en begint op 1 mei.", "1 mei"),
        ("ru", "Работы начнутся 12 марта.", "12 марта"),
        ("ru", "Работы начнутся 12 апреля.", ""),
    ],
)
def test_a_month_that_the_article_has_otherwise_is_a_likely_error(
    language: str, summary: str, wrong: str
) -> None:
    dates = [words for kind, words in _likely_errors(language, summary) if kind == "date"]
    assert dates == ([wrong] if wrong else [])


def test_the_year_of_a_month_is_the_articles() -> None:
    article = (
        "Sąd uznał w czwartek, że opóźnienie wynikło z braków we wniosku, a sędzia nie zgodziła "
        "się z tym, co mówiła spółka. Hotel miał być otwarty w 2020 roku, a budowa rozpoczęła się "
        "w marcu 2021 roku."
    )
    for year, kinds in (("2020", ["date"]), ("2021", [])):
        summary = f"Budowa hotelu rozpoczęła się w marcu {year} roku."
        (score,) = Lexical().score([(Article("a", article), Summary("a", summary))])
        assert [f.kind for f in score.flags if flag_kind(f.kind).hard] == kinds
