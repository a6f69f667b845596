"""Fixed patterns of the registers that a benchmark of sentence encoders asks about: requests, reviews, remarks, news, drugs.

A row is `frame | label | English ways, / between them | Russian ways | slots`. Rows of one frame are each other's
contrasts: they belong to one core (see meanings.py) and differ in label. A slot is `name=LIST` or `name=LIST:case`.
All of it is invented: companies, drugs and people do not exist.
"""

# ruff: noqa: E501  (a row of a table is one line)

from collections.abc import Iterator
from itertools import product
from random import Random

from demo.grammar.lexicon import CITIES, NAMES, PEOPLE, Noun, nouns, rows
from demo.grammar.meanings import Phrase
from demo.grammar.morphology import CASES

Filler = tuple[tuple[str, str], ...]  # synonyms: (English, Russian)


def cased(words: tuple[Noun, ...], case: str, definite: bool = True) -> tuple[Filler, ...]:
    """Nouns as fillers in one Russian case."""
    out = []
    for noun in words:
        pairs = zip(noun.english, noun.russian * len(noun.english), strict=False)
        article = "" if noun.name or not definite else "the "
        out.append(tuple((article + english[0], russian.form(case)) for english, russian in pairs))
    return tuple(out)


def plain(table: str) -> tuple[Filler, ...]:
    """Fillers that do not inflect here: `english, synonym | russian, synonym`."""
    out = []
    for english, russian in rows(table):
        ways = english.split(", "), russian.split(", ")
        longest = max(map(len, ways))
        out.append(tuple((ways[0][i % len(ways[0])], ways[1][i % len(ways[1])]) for i in range(longest)))
    return tuple(out)


SURNAMES = ("Ivanov Иванов", "Petrov Петров", "Orlov Орлов", "Volkov Волков", "Morozov Морозов", "Sokolov Соколов",
            "Lebedev Лебедев", "Zaitsev Зайцев", "Belov Белов", "Gromov Громов", "Markov Марков", "Titov Титов")  # fmt: skip


def full_names(case: str) -> tuple[Filler, ...]:
    """First names with surnames, both agreeing: Ivan Petrov, Анне Орловой."""
    out = []
    for first, surname in product(NAMES, SURNAMES):
        english, russian = surname.split()
        woman = first.russian[0].gender == "f"
        row = f"{english}{'a' if woman else ''} | {russian}{'а sur-f' if woman else ' sur-m'}"
        (last,) = nouns(row, animate=True, name=True)
        words = f"{first.russian[0].form(case)} {last.russian[0].form(case)}"
        out.append(((f"{first.key} {last.key}", words),))
    return tuple(out)


GOODS = nouns(
    """
phone, telephone | телефон m-hard
car, automobile | машина f-hard
bicycle, bike | велосипед m-hard
ring | кольцо n-hard
bag | сумка f-velar
suitcase | чемодан m-hard
guitar | гитара f-hard
camera | камера f-hard
computer | компьютер m-hard
watch | браслет m-hard
""".replace("watch |", "bracelet |"),
    animate=False,
)
COUNTRIES = nouns(
    """
Russia | Россия f-ija
France | Франция f-ija
Italy | Италия f-ija
Japan | Япония f-ija
Finland | Финляндия f-ija
Georgia | Грузия f-ija
Turkey | Турция f-ija
India | Индия f-ija
""",
    animate=False,
    name=True,
)

LISTS: dict[str, tuple[Filler, ...]] = {
    "device": plain("""
        light | свет
        lamp | лампу
        floor lamp | торшер
        night light | ночник
        chandelier | люстру
        fan | вентилятор
        heater | обогреватель
        radio | радио
        kettle | чайник
        television, TV | телевизор
        speaker | колонку
        air conditioner | кондиционер
    """),
    "room": plain("""
        in the kitchen | на кухне
        in the bedroom | в спальне
        in the hall | в прихожей
        in the bathroom | в ванной
        in the garage | в гараже
        in the nursery | в детской
        in the study | в кабинете
        on the balcony | на балконе
        in the living room | в гостиной
    """),
    "hour": plain("""
        five | пять часов
        six | шесть часов
        seven | семь часов
        eight | восемь часов
        nine | девять часов
        ten | десять часов
        noon, twelve | полдень, двенадцать часов
        midnight | полночь
    """),
    "day": plain("""
        today | сегодня
        tomorrow | завтра
        on Monday | в понедельник
        on Tuesday | во вторник
        on Thursday | в четверг
        on Friday | в пятницу
        on Saturday | в субботу
        on Sunday | в воскресенье
    """),
    "genre": plain("""
        jazz | джаз
        rock music, rock | рок
        classical music | классическую музыку, классику
        blues | блюз
        folk songs | народные песни
        a lullaby | колыбельную
        a waltz | вальс
        dance music | танцевальную музыку
    """),
    "topic": plain("""
        the contract | договор
        the holiday, the vacation | отпуск
        the project | проект
        the rent | аренду
        the concert | концерт
        the repair | ремонт
        the exam | экзамен
        the salary, the pay | зарплату
        the trip | поездку
        the party | вечеринку
    """),
    "product": plain("""
        milk | молоко
        bread | хлеб
        cheese | сыр
        coffee | кофе
        sugar | сахар
        rice | рис
        butter | масло
        eggs | яйца
        apples | яблоки
        tea | чай
    """),
    "dish": plain("""
        pizza | пиццу
        soup | суп
        sushi | суши
        salad | салат
        dumplings | пельмени
        pancakes | блины
        cutlets | котлеты
        a pie | пирог
        borscht | борщ
        pasta | пасту
        an omelette | омлет
        ravioli | равиоли
    """),
    "task": plain("""
        buy medicine | купить лекарство
        call my mother, phone my mother | позвонить маме
        water the flowers | полить цветы
        pay for the flat | заплатить за квартиру
        walk the dog | погулять с собакой
        charge the phone | зарядить телефон
        wash the car | помыть машину
        take out the rubbish | вынести мусор
        visit the dentist | сходить к стоматологу
    """),
    "word": plain("""
        bread | хлеб
        water | вода
        snow | снег
        friend | друг
        river | река
        thank you | спасибо
        winter | зима
        bridge | мост
        house | дом
        sun | солнце
        window | окно
        night | ночь
        road | дорога
        mother | мама
    """),
    "language": plain("""
        in Spanish | по-испански
        in German | по-немецки
        in Japanese | по-японски
        in Finnish | по-фински
        in Italian | по-итальянски
        in Turkish | по-турецки
        in Greek | по-гречески
        in Arabic | по-арабски
    """),
    "company": plain("""
        Vector | Вектор
        Raduga | Радуга
        Mayak | Маяк
        Orion | Орион
        Parus | Парус
        Sokol | Сокол
        Zarya | Заря
        Kometa | Комета
        Volna | Волна
        Granit | Гранит
    """),
    "service": plain("""
        internet | интернет
        mobile internet | мобильный интернет
        support, help desk | поддержка, служба поддержки
        app, application | приложение
        website, site | сайт
        connection | связь
        online bank | онлайн-банк
        delivery | доставка
        card | карта
        hotline | горячая линия
    """),
    "insult": plain("""
        fool | дурак
        idiot, moron | идиот, кретин
        blockhead | болван
        liar | лжец, врун
        coward | трус
        loafer, idler | бездельник, лентяй
        scoundrel, rascal | негодяй, мерзавец
        boor | хам
        loser | неудачник
    """),
    "praise": plain("""
        genius | гений
        hero | герой
        master | мастер
        professional | профессионал
        real friend | настоящий друг
        leader | лидер
        gentleman | джентльмен
    """),
    "spot": plain("""
        near the school | возле школы
        near the station | возле вокзала
        near the park | возле парка
        near the market | возле рынка
        near the museum | возле музея
        near the bank | возле банка
        near the hospital | возле больницы
    """),
    "drug": plain("""
        Vitalon | Виталон
        Kardizol | Кардизол
        Neoferin | Неоферин
        Grippostan | Гриппостан
        Lumidex | Люмидекс
        Bronkhalin | Бронхалин
        Sedavit | Седавит
        Imunol | Имунол
        Travicet | Травицет
        Dolorex | Долорекс
    """),
    "drugform": plain("""
        tablets, pills | таблетки
        drops | капли
        capsules | капсулы
        powders | порошки
        lozenges | леденцы
    """),
    "drugclass": plain("""
        antibiotics | антибиотики
        vitamins | витамины
        painkillers | обезболивающие
        antiviral drugs | противовирусные
        sleeping pills | снотворное
    """),
    "disease": plain("""
        for flu | от гриппа
        for a cough | от кашля
        for allergy | от аллергии
        for insomnia | от бессонницы
        for a cold | от простуды
        for bronchitis | от бронхита
        for a sore throat | от ангины
        for stress | от стресса
    """),
    "reaction": plain("""
        a headache | головная боль
        a rash | сыпь
        nausea | тошнота
        apathy | апатия
        weakness | слабость
        heartburn | изжога
        shortness of breath | одышка
        drowsiness | сонливость
    """),
    "org": plain("""
        the bank Volga, Volga Bank | банке «Волга»
        the company Sever | компании «Север»
        the newspaper Utro | газете «Утро»
        the firm Almaz | фирме «Алмаз»
        the publishing house Slovo | издательстве «Слово»
        the corporation Energiya | корпорации «Энергия»
        the studio Kadr | студии «Кадр»
        the institute Gorizont | институте «Горизонт»
    """),
}
LISTS |= {f"{name}:{case}": cased(words, case) for name, words in {
    "name": NAMES, "man": tuple(name for name in NAMES if name.russian[0].gender == "m"), "person": PEOPLE, "city": CITIES, "thing": GOODS, "country": COUNTRIES,
}.items() for case in CASES}  # fmt: skip
LISTS |= {f"fullname:{case}": full_names(case) for case in ("nom", "dat", "ins")}

REQUESTS = """
device | device_on | turn on the {device} {room} / switch on the {device} {room} | включи {device} {room} / запусти {room} {device} | device=device room=room
device | device_off | turn off the {device} {room} / switch off the {device} {room} | выключи {device} {room} / отключи {room} {device} | device=device room=room
alarm | alarm_set | set an alarm for {hour} {day} / wake me up {day} at {hour} | поставь будильник на {hour} {day} / разбуди меня {day} в {hour} | hour=hour day=day
alarm | alarm_cancel | cancel the alarm for {hour} {day} / let me sleep {day} at {hour} | отмени будильник на {hour} {day} / не буди меня {day} в {hour} | hour=hour day=day
music | music_play | play {genre} {room} / put on {genre} {room} | включи {genre} {room} / поставь {room} {genre} | genre=genre room=room
music | music_stop | stop playing {genre} {room} / no more {genre} {room} | выключи {genre} {room} / не хочу слышать {genre} {room} | genre=genre room=room
weather | weather_query | what is the weather in {city} {day}? / will it rain in {city} {day}? | какая погода в {city} {day}? / пойдёт ли {day} дождь в {city}? | city=city:loc day=day
taxi | taxi_order | order a taxi to {city} {day} / call a cab to {city} {day} | закажи такси до {city} {day} / вызови машину до {city} {day} | city=city:gen day=day
ticket | ticket_book | book a train ticket to {city} {day} / I need a train to {city} {day} | закажи билет на поезд до {city} {day} / мне нужен поезд до {city} {day} | city=city:gen day=day
dish | food_order | order {dish} to my home {day} / have {dish} delivered {day} | закажи {dish} на дом {day} / пусть {day} привезут {dish} | dish=dish day=day
dish | food_recipe | how do I cook {dish} {day}? / find me a recipe for {dish} {day} | как мне приготовить {dish} {day}? / найди {day} рецепт, хочу сделать {dish} | dish=dish day=day
mail | email_send | write an email to {name} about {topic} / send {name} a letter about {topic} | напиши письмо про {topic} для {name} / отправь сообщение про {topic} для {name} | name=name:gen topic=topic
mail | email_query | any letters from {name} about {topic}? / did {name} write to me about {topic}? | есть ли письмо про {topic} от {name}? / пришло ли сообщение про {topic} от {name}? | name=name:gen topic=topic
meeting | calendar_add | add a meeting with {name} {day} / schedule a talk with {name} {day} | добавь встречу с {name} {day} / запланируй разговор с {name} {day} | name=name:ins day=day
meeting | calendar_remove | cancel the meeting with {name} {day} / delete the talk with {name} {day} | отмени встречу с {name} {day} / удали разговор с {name} {day} | name=name:ins day=day
meeting | calendar_query | am I meeting {name} {day}? / when do I talk with {name} {day}? | будет ли встреча с {name} {day}? / когда у меня разговор с {name} {day}? | name=name:ins day=day
reminder | reminder_set | remind me to {task} {day} / I have to {task} {day}, remind me | напомни мне {task} {day} / мне надо {task} {day}, напомни | task=task day=day
reminder | reminder_cancel | stop reminding me to {task} {day} / no need to {task} {day} | не напоминай мне {task} {day} / больше не нужно {task} {day} | task=task day=day
shopping | list_add | add {product} to the list {day} / write down: buy {product} {day} | добавь {product} в список {day} / запиши: {day} купить {product} | product=product day=day
shopping | list_remove | remove {product} from the list {day} / cross out: do not buy {product} {day} | убери {product} из списка {day} / вычеркни: {day} не покупать {product} | product=product day=day
translate | translate | how do you say "{word}" {language}? / translate the word "{word}", {language} | как сказать «{word}» {language}? / переведи слово «{word}», {language} | word=word language=language
news | news_query | what is the news from {city} {day}? / tell me what happened in {city} {day} | какие новости в {city} {day}? / расскажи, что случилось в {city} {day} | city=city:loc day=day
vacuum | cleaning | clean the floor {room} {day} / vacuum {room} {day} | убери пол {room} {day} / пропылесось {room} {day} | room=room day=day
"""

# What is said and whether it is denied decide these labels together, neither alone: no weighted sum of words does.
REVIEWS = """
pleases | 1 | the {service} of {company} pleases me / I like the {service} at {company} | {service} у компании «{company}» радует / мне нравится {service} у компании «{company}» | service=service company=company
pleases | -1 | the {service} of {company} does not please me / I do not like the {service} at {company} | {service} у компании «{company}» не радует / мне не нравится {service} у компании «{company}» | service=service company=company
pleases | -1 | the {service} of {company} annoys me / I hate the {service} at {company} | {service} у компании «{company}» раздражает / меня бесит {service} у компании «{company}» | service=service company=company
pleases | 1 | the {service} of {company} does not annoy me / I do not hate the {service} at {company} | {service} у компании «{company}» не раздражает / меня не бесит {service} у компании «{company}» | service=service company=company
pleases | 0 | the {service} of {company} is being tested / {company} is changing its {service} | {service} у компании «{company}» проверяется / меняется {service} у компании «{company}» | service=service company=company
pleases | 0 | the {service} of {company} is not being tested / {company} is not changing its {service} | {service} у компании «{company}» не проверяется / не меняется {service} у компании «{company}» | service=service company=company
treats | -1 | {company} deceives people in {city} {day} / {company} lets people down in {city} {day} | «{company}» {day} обманывает людей в {city} / «{company}» {day} подводит людей в {city} | company=company city=city:loc day=day
treats | 1 | {company} does not deceive people in {city} {day} / {company} does not let people down in {city} {day} | «{company}» {day} не обманывает людей в {city} / «{company}» {day} не подводит людей в {city} | company=company city=city:loc day=day
treats | 1 | {company} helps people in {city} {day} / {company} takes care of people in {city} {day} | «{company}» {day} помогает людям в {city} / «{company}» {day} заботится о людях в {city} | company=company city=city:loc day=day
treats | -1 | {company} does not help people in {city} {day} / {company} does not take care of people in {city} {day} | «{company}» {day} не помогает людям в {city} / «{company}» {day} не заботится о людях в {city} | company=company city=city:loc day=day
treats | 0 | {company} counts people in {city} {day} / {company} hires people in {city} {day} | «{company}» {day} считает людей в {city} / «{company}» {day} нанимает людей в {city} | company=company city=city:loc day=day
treats | 0 | {company} does not count people in {city} {day} / {company} does not hire people in {city} {day} | «{company}» {day} не считает людей в {city} / «{company}» {day} не нанимает людей в {city} | company=company city=city:loc day=day
"""

REMARKS = """
call | 1 | you are a {insult}, {name} / {name}, you are just a {insult} | ты {insult}, {name} / {name}, ты просто {insult} | insult=insult name=man:nom
call | 0 | you are not a {insult}, {name} / {name}, you are by no means a {insult} | ты не {insult}, {name} / {name}, ты вовсе не {insult} | insult=insult name=man:nom
extol | 0 | you are a {praise}, {name} / {name}, you are just a {praise} | ты {praise}, {name} / {name}, ты просто {praise} | praise=praise name=man:nom
extol | 1 | you are not a {praise}, {name} / {name}, you are by no means a {praise} | ты не {praise}, {name} / {name}, ты вовсе не {praise} | praise=praise name=man:nom
think | 1 | {speaker} thinks that {name} is a {insult} / {speaker} says: {name} is a {insult} | {speaker} считает, что {name} {insult} / {speaker} говорит: {name} {insult} | speaker=name:nom name=man:nom insult=insult
think | 0 | {speaker} does not think that {name} is a {insult} / {speaker} says: {name} is not a {insult} | {speaker} не считает, что {name} {insult} / {speaker} говорит: {name} не {insult} | speaker=name:nom name=man:nom insult=insult
deem | 0 | {speaker} thinks that {name} is a {praise} / {speaker} says: {name} is a {praise} | {speaker} считает, что {name} {praise} / {speaker} говорит: {name} {praise} | speaker=name:nom name=man:nom praise=praise
deem | 1 | {speaker} does not think that {name} is a {praise} / {speaker} says: {name} is not a {praise} | {speaker} не считает, что {name} {praise} / {speaker} говорит: {name} не {praise} | speaker=name:nom name=man:nom praise=praise
regard | 1 | {speaker} despises {name} {day} / {speaker} cannot stand {name} {day} | {speaker} {day} презирает {name} / {speaker} {day} ненавидит {name} | speaker=name:nom name=name:acc day=day
regard | 0 | {speaker} does not despise {name} {day} / {speaker} has nothing against {name} {day} | {speaker} {day} не презирает {name} / {speaker} {day} не ненавидит {name} | speaker=name:nom name=name:acc day=day
regard | 0 | {speaker} respects {name} {day} / {speaker} values {name} {day} | {speaker} {day} уважает {name} / {speaker} {day} ценит {name} | speaker=name:nom name=name:acc day=day
regard | 1 | {speaker} does not respect {name} {day} / {speaker} does not value {name} {day} | {speaker} {day} не уважает {name} / {speaker} {day} не ценит {name} | speaker=name:nom name=name:acc day=day
"""

INCIDENTS = """
debt | 1 | I want to steal {thing} from {person} / help me to steal {thing} from {person} | хочу украсть {thing} у {person} / помоги мне украсть {thing} у {person} | thing=thing:acc person=person:gen
debt | 0 | I do not want to steal {thing} from {person} / do not help me to steal {thing} from {person} | не хочу красть {thing} у {person} / не помогай мне красть {thing} у {person} | thing=thing:acc person=person:gen
debt | 0 | I want to buy {thing} from {person} honestly / help me to buy {thing} from {person} honestly | хочу честно купить {thing} у {person} / помоги мне честно купить {thing} у {person} | thing=thing:acc person=person:gen
debt | 1 | I do not want to buy {thing} from {person} honestly / do not help me to buy {thing} from {person} honestly | не хочу честно покупать {thing} у {person} / не помогай мне честно покупать {thing} у {person} | thing=thing:acc person=person:gen
attack | 1 | the bandits will beat {person} {spot} {day} / the bandits will rob {person} {spot} {day} | бандиты изобьют {person} {spot} {day} / бандиты ограбят {person} {spot} {day} | person=person:acc spot=spot day=day
attack | 0 | the bandits will not beat {person} {spot} {day} / the bandits will not rob {person} {spot} {day} | бандиты не изобьют {person} {spot} {day} / бандиты не ограбят {person} {spot} {day} | person=person:acc spot=spot day=day
attack | 0 | the police will protect {person} {spot} {day} / the police will save {person} {spot} {day} | полицейские защитят {person} {spot} {day} / полицейские спасут {person} {spot} {day} | person=person:acc spot=spot day=day
attack | 1 | the police will not protect {person} {spot} {day} / the police will not save {person} {spot} {day} | полицейские не защитят {person} {spot} {day} / полицейские не спасут {person} {spot} {day} | person=person:acc spot=spot day=day
trade | 1 | {name} sells weapons {spot} {day} / {name} sells drugs {spot} {day} | {name} {day} продаёт оружие {spot} / {name} {day} торгует наркотиками {spot} | name=name:nom spot=spot day=day
trade | 0 | {name} does not sell weapons {spot} {day} / {name} does not sell drugs {spot} {day} | {name} {day} не продаёт оружие {spot} / {name} {day} не торгует наркотиками {spot} | name=name:nom spot=spot day=day
trade | 0 | {name} sells flowers {spot} {day} / {name} sells fruit {spot} {day} | {name} {day} продаёт цветы {spot} / {name} {day} торгует фруктами {spot} | name=name:nom spot=spot day=day
"""

REPORTS = """
works | report | {fullname} works at {org} in {city} / in {city} {fullname} is employed at {org} | {fullname} работает в {org} в {city} / в {city} {fullname} трудится в {org} | fullname=fullname:nom org=org city=city:loc
heads | report | {fullname} runs a department at {org} / a department at {org} is run by {fullname} | {fullname} руководит отделом в {org} / отделом в {org} руководит {fullname} | fullname=fullname:nom org=org
awards | report | {country} gives a medal to {fullname} in {city} / in {city} {fullname} gets a medal from {country} | {country} вручает медаль {fullname} в {city} / в {city} {fullname} медаль вручает {country} | country=country:nom fullname=fullname:dat city=city:loc
lives | report | {fullname} lives in {city} / in {city} lives {fullname} | {fullname} живёт в {city} / в {city} живёт {fullname} | fullname=fullname:nom city=city:loc
signs | report | {country} signs an agreement with {fullname} / the agreement with {fullname} is signed by {country} | {country} подписывает соглашение с {fullname} / соглашение с {fullname} подписывает {country} | country=country:nom fullname=fullname:ins
"""

TREATMENTS = """
takes | treatment | I take {drug} {drugform} {disease} / {disease} I take {drug} {drugform} | принимаю {drugform} «{drug}» {disease} / {disease} пью {drugform} «{drug}» | drug=drug disease=disease drugform=drugform
reaction | treatment | after {drug} {disease} {reaction} began / {drug} {disease} gave me {reaction} | после лекарства «{drug}» {disease} началась {reaction} / у меня {reaction} от лекарства «{drug}» {disease} | reaction=reaction drug=drug disease=disease
class | treatment | the doctor prescribed {drugclass} and {drug} {disease} / {drugclass} and {drug} {disease}, said the doctor | врач выписал {drugclass} и «{drug}» {disease} / {drugclass} и «{drug}» {disease}, сказал врач | drugclass=drugclass drug=drug disease=disease
helps | treatment | {drug} {drugform} really help {disease} / {disease}, {drug} {drugform} help best | {drugform} «{drug}» правда помогают {disease} / {disease} лучше всего помогают {drugform} «{drug}» | drug=drug disease=disease drugform=drugform
"""


class Register:
    """All phrases of one table."""

    def __init__(self, name: str, table: str) -> None:
        self.name = name
        self.frames: list[tuple[str, str, tuple[str, ...], tuple[str, ...], dict[str, str]]] = []
        for frame, label, english, russian, slots in rows(table):
            ways = tuple(english.split(" / ")), tuple(russian.split(" / "))
            self.frames.append((f"{name}:{frame}", label, *ways, dict(slot.split("=") for slot in slots.split())))

    def sample(self, rng: Random) -> list[Phrase]:
        """Phrases with the same fillers from every row of a random frame: contrasts of each other."""
        frame, _, _, _, slots = rng.choice(self.frames)
        chosen = {name: rng.choice(LISTS[kind]) for name, kind in slots.items()}
        if len({words[0][0] for words in chosen.values()}) < len(chosen):
            return self.sample(rng)  # nobody speaks of himself by name
        return list(self.fill(frame, chosen))

    def fill(self, frame: str, chosen: dict[str, Filler]) -> Iterator[Phrase]:
        """One phrase for each row of a frame."""
        for key, label, english, russian, slots in self.frames:
            if key == frame:
                yield Phrase(label, english, russian, tuple((name, chosen[name]) for name in slots), frame)


REGISTERS = {
    name: Register(name, table) for name, table in {
        "request": REQUESTS, "review": REVIEWS, "remark": REMARKS, "incident": INCIDENTS, "report": REPORTS,
        "treatment": TREATMENTS,
    }.items()
}  # fmt: skip
