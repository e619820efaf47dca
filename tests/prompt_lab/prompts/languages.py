"""One system prompt in eight languages, each of some 230 to 500 characters."""

FILL = {
    "en": "You answer questions about the plant's machines. Use only the playbooks below. "
    "Name the machine and the shift in every answer. Say so where the data holds no answer. ",
    "de": "Du beantwortest Fragen zu den Maschinen des Werks. Nutze nur die folgenden Anleitungen. "
    "Nenne in jeder Antwort die Maschine und die Schicht. Sage es, wenn die Daten fehlen. ",
    "ru": "Ты отвечаешь на вопросы о станках завода. Используй только приведённые инструкции. "
    "В каждом ответе называй станок и смену. Если данных нет, прямо скажи об этом. ",
    "el": "Απαντάς σε ερωτήσεις για τις μηχανές του εργοστασίου. Χρησιμοποίησε μόνο τις οδηγίες. "
    "Ανάφερε τη μηχανή και τη βάρδια σε κάθε απάντηση. Πες το όταν λείπουν δεδομένα. ",
    "ar": "أنت تجيب عن الأسئلة المتعلقة بآلات المصنع. استخدم الإرشادات التالية فقط. "
    "اذكر الآلة والوردية في كل إجابة. إذا لم تتوفر البيانات فقل ذلك بوضوح للمستخدم. ",
    "hi": "आप कारखाने की मशीनों के बारे में प्रश्नों के उत्तर देते हैं। केवल नीचे दिए गए निर्देशों का उपयोग करें। "
    "हर उत्तर में मशीन और पाली का नाम बताएं। यदि डेटा नहीं है तो स्पष्ट रूप से कहें। ",
    "zh": "你负责回答有关工厂机器的问题。只能使用下面提供的操作手册。每个回答都要写明机器和班次。"
    "如果数据中没有答案，请直接说明。不要猜测，也不要编造数字。",
    "he": "אתה עונה על שאלות על מכונות המפעל. השתמש רק בהנחיות שלהלן. "
    "ציין את המכונה ואת המשמרת בכל תשובה. אם אין נתונים, אמור זאת במפורש למשתמש. ",
}
QUESTION = {
    "en": "Which machine stopped most often in the night shift?",
    "de": "Welche Maschine stand in der Nachtschicht am häufigsten still?",
    "ru": "Какой станок чаще всего останавливался в ночную смену?",
    "el": "Ποια μηχανή σταμάτησε περισσότερες φορές στη νυχτερινή βάρδια;",
    "ar": "ما هي الآلة التي توقفت أكثر من غيرها في الوردية الليلية؟",
    "hi": "रात की पाली में कौन सी मशीन सबसे अधिक बार रुकी?",
    "zh": "夜班期间停机次数最多的机器是哪一台？",
    "he": "איזו מכונה עצרה הכי הרבה פעמים במשמרת הלילה?",
}
PLAN = {
    "en": "Line 4 packed 1812 cartons before the palletizer jammed at 02:14 and the crew rerouted.",
    "de": "Linie 4 packte 1812 Kartons, bevor der Palettierer um 02:14 klemmte und man umleitete.",
    "ru": "Линия 4 упаковала 1812 коробок, пока паллетайзер не заклинило в 02:14 и поток увели.",
    "el": "Η γραμμή 4 συσκεύασε 1812 κιβώτια πριν μπλοκάρει ο παλετοποιητής στις 02:14 το πρωί.",
    "ar": "عبأ الخط الرابع 1812 كرتونة قبل أن تتعطل آلة التحميل في الساعة 02:14 فجرا وحول الطاقم.",
    "hi": "लाइन 4 ने 1812 डिब्बे पैक किए, फिर 02:14 पर पैलेटाइज़र अटक गया और दल ने रास्ता बदल दिया।",
    "zh": "四号线在凌晨两点十四分码垛机卡住之前共包装了一千八百一十二箱，随后班组改道。",
    "he": "קו 4 ארז 1812 קרטונים לפני שהמשטח נתקע בשעה 02:14 והצוות ניתב מחדש את כל הזרימה.",
}


def write_prompt(language: str) -> str:
    """A whole prompt with its placeholder, at least 200 characters."""
    fill = FILL[language].strip()
    lines = [fill, "# 1", "{{PLAYBOOKS}}", "# 2", fill[: len(fill) // 2]]
    while len("\n".join(lines)) < 230:
        lines.append(fill)
    return "\n".join(lines)
