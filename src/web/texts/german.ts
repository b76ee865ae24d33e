import type { Texts } from './texts.ts';

/** {@link english} in German. */
export const german: Texts = {
  language: 'de',

  'action.back': 'Zurück',
  'action.continue': 'Weiter',
  'action.continueHere': 'In diesem Browser weiter',
  'action.copyCode': 'Code kopieren',
  'action.decline': 'Ablehnen',
  'action.endLink': 'Diesen Link beenden',
  'action.disconnect': 'Trennen',
  'action.done': 'Erledigt',
  'action.getCode': 'Code anfordern',
  'action.goOn': 'Weiter zu {host}',
  'action.hide': 'Verbergen',
  'action.inbox': 'Alles, was auf Sie wartet',
  'action.lookNow': 'Jetzt nachsehen',
  'action.open': '{host} öffnen',
  'action.openForm': 'Formular öffnen',
  'action.paste': 'Damit abschließen',
  'action.reconnect': 'Neu verbinden',
  'action.rename': 'Namen speichern',
  'action.retry': 'Noch einmal versuchen',
  'action.save': 'Speichern',
  'action.show': 'Anzeigen',
  'action.signIn': 'Anmelden',
  'action.signOut': 'Abmelden',
  'action.support': 'Hilfe',

  'facts.asks': 'Angefragt von',
  'facts.thisProgram': 'einem Programm auf diesem Computer',
  'facts.for': 'Für',
  'facts.thisMachine': 'wer diesen Computer benutzt',
  'facts.access': 'Zugriff auf',
  'facts.account': '{resource} ({account})',
  'facts.reason': 'Grund',
  'facts.scopes': 'Verlangt wird',
  'facts.goesTo': 'Führt zu',
  'facts.ends': 'Link gültig bis',
  'facts.endsAt': '{time}, {left}',

  'consent.title': 'Konto verbinden',
  'consent.message': 'Verbinden Sie Ihr Konto bei {resource}',
  'consent.signIn': 'Anmelden bei {server}',
  'consent.signInAs': 'Anmelden bei {server} ({account})',
  'consent.redirect':
    'Ihr Konto bei {resource} wird gebraucht. Sie werden zu {host} geleitet, um zuzustimmen. Machen Sie nur weiter, wenn Sie das gerade selbst angefordert haben.',
  'consent.byCode':
    'Ihr Konto bei {resource} wird gebraucht. Sie stimmen bei {host} mit einem kurzen Code zu. Machen Sie nur weiter, wenn Sie das gerade selbst angefordert haben.',
  'consent.kept':
    'Was {host} danach erlaubt, bewahrt {name} auf. Ihr Passwort dort bekommt der Assistent nie zu sehen.',
  'consent.codeFailed':
    'Mit dem Code hat es nicht geklappt. Es wurde nichts gespeichert. Versuchen Sie es noch einmal.',
  'consent.codeFailedOr':
    'Mit dem Code hat es nicht geklappt. Es wurde nichts gespeichert. Versuchen Sie es noch einmal, oder drücken Sie auf Weiter.',
  'consent.otherDevice': 'Ein anderes Gerät benutzen',
  'consent.otherDeviceText':
    'Sie bekommen einen kurzen Code und geben ihn auf einem beliebigen Gerät beim Dienst ein.',
  'consent.noReturn': 'Mein Browser kommt nicht hierher zurück',
  'consent.noReturnText':
    'Drücken Sie auf Weiter und stimmen Sie zu. Zeigt Ihr Browser danach einen Fehler, dann kopieren Sie die ganze Adresse, die er anzeigt, kommen Sie auf diese Seite zurück und fügen Sie sie hier ein. Fügen Sie sie nirgendwo sonst ein.',
  'consent.pastedAddress': 'Die angezeigte Adresse',

  'paste.unreadable':
    'Das ist nicht die ganze Adresse. Kopieren Sie sie vollständig aus dem Browser: „state=“ und „code=“ kommen darin vor.',
  'paste.too early':
    'Das ist die Adresse der Seite, auf der Sie sich anmelden. Stimmen Sie dort zuerst zu; kopieren Sie dann die Adresse, zu der Ihr Browser geht.',
  'paste.foreign':
    'Diese Adresse gehört zu einer anderen Anmeldung oder zu einem älteren Link. Drücken Sie hier auf Weiter und fügen Sie ein, was dabei herauskommt.',
  'paste.of another browser':
    'Sie sind in einem anderen Browser losgeschickt worden. Fügen Sie die Adresse dort ein, oder drücken Sie hier auf Weiter und fangen Sie neu an.',
  'paste.used':
    'Diese Adresse wurde schon benutzt, ohne Erfolg. Drücken Sie auf Weiter und fügen Sie ein, was dabei herauskommt.',

  'code.title': 'Geben Sie diesen Code ein',
  'code.message': 'Melden Sie sich bei {resource} mit einem Code an',
  'code.text':
    '{resource} fragt danach. Machen Sie nur weiter, wenn Sie das gerade selbst angefordert haben, und geben Sie den Code nirgendwo sonst ein.',
  'code.label': 'Ihr Code',
  'code.copied': 'Kopiert',
  'code.notices': 'Diese Seite merkt, wenn Sie fertig sind.',

  'form.title': 'Zugangsdaten',
  'form.titleNotSaved': 'Nicht gespeichert – {title}',
  'form.message': 'Geben Sie die Zugangsdaten für {resource} ein',
  'form.kept':
    'Was Sie eingeben, geht an {name} für {resource} und wird verschlüsselt aufbewahrt. Der Assistent und der Chat bekommen es nie zu sehen.',
  'form.optional': '(freiwillig)',
  'form.late':
    'Der Dienst hat nicht innerhalb von {seconds} s geantwortet. Es wurde nichts gespeichert. Versuchen Sie es noch einmal.',
  'form.untried':
    'Das konnte gerade nicht geprüft werden und wurde nicht gespeichert. Versuchen Sie es gleich noch einmal.',
  'form.rejected': 'Der Dienst hat das abgelehnt. Prüfen Sie, was Sie eingegeben haben.',
  'form.exposedTitle': 'Nicht gespeichert',
  'form.exposedText':
    'Was eingegeben wurde, stand in der Adresse der Seite, wo andere es lesen können. Ändern Sie es beim Dienst und geben Sie hier das neue ein.',

  'field.needed': 'Das wird gebraucht.',
  'field.oneLine': 'Nur eine Zeile.',
  'field.controls': 'Darin ist ein Zeichen, das niemand tippen kann. Kopieren Sie es neu.',
  'field.header': 'Nur Buchstaben, Ziffern und Zeichen westeuropäischer Sprachen.',
  'field.choose': 'Wählen Sie etwas aus der Liste.',
  'field.minLength': 'Mindestens {limit} Zeichen.',
  'field.maxLength': 'Höchstens {limit} Zeichen.',
  'field.integer': 'Eine ganze Zahl.',
  'field.number': 'Eine Zahl.',
  'field.minimum': 'Mindestens {limit}.',
  'field.maximum': 'Höchstens {limit}.',

  'elicitation.title': '{server} bittet Sie, etwas zu tun',
  'elicitation.text':
    'Dafür gibt es dort eine eigene Seite. Sehen Sie sich die ganze Adresse an, bevor Sie sie öffnen: Was dort und darüber gesagt wird, ist das Wort von {server}, nicht unseres. Kommen Sie hierher zurück, wenn Sie fertig sind.',
  'elicitation.says': '{server} sagt: „{message}“',

  'end.signedIn': 'Sie sind angemeldet',
  'end.done': 'Fertig',
  'end.text': 'Sie können diese Seite schließen und zurückgehen.',
  'end.usedTitle': 'Schon erledigt',
  'end.usedText': 'Das war schon abgeschlossen. Sie können diese Seite schließen.',

  'inbox.title': 'Ihre Verbindungen',
  'inbox.text': 'Worum {name} Sie bittet, und was in Ihrem Namen benutzt werden darf.',
  'inbox.waiting': 'Wartet auf Sie',
  'inbox.nothingWaits': 'Im Moment nichts.',
  'inbox.connected': 'Verbunden',
  'inbox.nothingConnected': 'Noch nichts.',
  'inbox.as': 'als {account}',
  'inbox.since': 'seit {time}',
  'inbox.over': 'Das funktioniert nicht mehr. Verbinden Sie es neu.',
  'inbox.expiring': 'Danach werden Sie bald wieder gefragt.',
  'inbox.change': '{what} ändern',
  'inbox.label': 'Ihr eigener Name dafür',
  'inbox.renamed': 'Der Name ist gespeichert.',
  'inbox.disconnected': '{what} ist getrennt.',
  'inbox.disconnectedHere':
    '{what} ist hier getrennt. Der Dienst hat das nicht bestätigt: Entziehen Sie zur Sicherheit auch dort den Zugriff.',
  'inbox.gone': 'Das war nicht mehr verbunden.',
  'inbox.works': 'Es funktioniert: Sie brauchen nichts zu tun.',
  'inbox.notAgain':
    'Das lässt sich von hier aus nicht neu verbinden. Benutzen Sie es dort, wo Sie damit arbeiten, dann werden Sie gefragt.',

  'signIn.againTitle': 'Melden Sie sich zuerst an',
  'signIn.againText':
    'Sie sind nicht oder nicht mehr angemeldet. Was Sie gerade gesendet haben, wurde nicht verwendet. Melden Sie sich an, und senden Sie es dann noch einmal.',

  'signOut.title': 'Abmelden',
  'signOut.text': 'Sie sind in diesem Browser angemeldet.',
  'signOut.textAs': 'Sie sind als {account} angemeldet.',
  'signOut.doneTitle': 'Sie sind abgemeldet',
  'signOut.doneText': 'Sie können diese Seite schließen.',

  'departure.title': 'Einen Moment',
  'departure.text': 'Sie werden zu {host} geleitet.',

  'elsewhere.title': 'Das wird woanders abgeschlossen',
  'elsewhere.text':
    'Hier antwortet nicht das Programm, das danach gefragt hat. Warten Sie einen Moment und öffnen Sie dann den Link noch einmal.',

  'owned.title': 'Ein anderer Browser',
  'owned.text':
    'Dieser Link gehört dem Browser, der ihn zuerst geöffnet hat. Machen Sie dort weiter. Ist das nicht Ihr Browser, oder wollen Sie in diesem weitermachen, dann beenden Sie den Link: Das Programm gibt Ihnen einen neuen, dort wo Sie diesen bekommen haben, und was im anderen Browser begonnen wurde, wird nicht gespeichert.',
  'owned.opened': 'Zuerst geöffnet',
  'owned.endedTitle': 'Der Link ist beendet',
  'owned.endedText':
    'Gehen Sie zurück zum Programm: Es hat einen neuen Link für Sie, oder gibt Ihnen einen, wenn Sie es noch einmal darum bitten.',

  'missing.title': 'Hier ist nichts',
  'missing.text': 'Unter dieser Adresse gibt es keine Seite.',

  'broken.title': 'Das hat nicht geklappt',
  'broken.text': 'Bei uns ist etwas kaputt. Es wurde nichts gespeichert.',

  'failure.title': 'Das hat nicht geklappt',
  'failure.text': 'Es wurde nichts gespeichert.',
  'failure.introducedAnew.title': 'Noch nicht verbunden',
  'failure.introducedAnew.text':
    'Der Dienst hat die Anwendung so, wie sie sich vorgestellt hat, nicht angenommen. Es wurde nichts gespeichert. Versuchen Sie es noch einmal: Sie stellt sich dann neu vor.',
  'ERR_POSTERN_AUTH_STATE_UNKNOWN.title': 'Dieser Link ist nicht gültig',
  'ERR_POSTERN_AUTH_STATE_UNKNOWN.text':
    'Er ist unbekannt oder abgelaufen, oder er ist für jemand anderen oder für ein anderes Ihrer Konten bestimmt. Es wurde nichts gespeichert. Bitten Sie dort, wo Sie ihn bekommen haben, um einen neuen.',
  'ERR_POSTERN_AUTH_STATE_USED.title': 'Schon benutzt',
  'ERR_POSTERN_AUTH_STATE_USED.text':
    'Diese Antwort wurde schon benutzt, ohne Erfolg. Versuchen Sie es noch einmal.',
  'ERR_POSTERN_AUTH_CALLBACK_INVALID.title': 'Diese Antwort ist nicht lesbar',
  'ERR_POSTERN_AUTH_CALLBACK_INVALID.text': 'Es wurde nichts gespeichert. Versuchen Sie es noch einmal.',
  'ERR_POSTERN_AUTH_BROWSER_MISMATCH.title': 'Ein anderer Browser',
  'ERR_POSTERN_AUTH_BROWSER_MISMATCH.text':
    'Das wurde in einem anderen Browser begonnen. Machen Sie dort weiter, oder öffnen Sie den Link hier noch einmal.',
  'ERR_POSTERN_AUTH_WRONG_USER.title': 'Ein anderes Konto',
  'ERR_POSTERN_AUTH_WRONG_USER.text':
    'Sie haben mit einem anderen Konto zugestimmt als dem, das verlangt war, oder als zuvor. Es wurde nichts gespeichert.',
  'ERR_POSTERN_AUTH_UNVERIFIED.title': 'Gerade nicht möglich',
  'ERR_POSTERN_AUTH_UNVERIFIED.text':
    'Es war nicht festzustellen, wer Sie sind. Es wurde nichts gespeichert. Versuchen Sie es gleich noch einmal.',
  'ERR_POSTERN_AUTH_REQUIRED.title': 'Melden Sie sich zuerst an',
  'ERR_POSTERN_AUTH_REQUIRED.text':
    'Melden Sie sich bei der Anwendung an, von der Sie diesen Link haben, und öffnen Sie ihn dann noch einmal.',
  'ERR_POSTERN_AUTH_DENIED.title': 'Abgelehnt',
  'ERR_POSTERN_AUTH_DENIED.text':
    'Sie haben abgelehnt, und es wurde nichts gespeichert. Sie können diese Seite schließen.',
  'ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION.title': 'Von Ihrer Organisation nicht erlaubt',
  'ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION.text':
    'Ihre Organisation lässt nicht zu, dass Sie das mit Ihrem Konto dort benutzen. Es wurde nichts gespeichert, und ein neuer Versuch hilft nicht. Bitten Sie die Administration, es zu erlauben, und danach dort, wo Sie diesen Link bekommen haben, um einen neuen.',
  'ERR_POSTERN_PENDING_NOT_FOUND.title': 'Dieser Link ist nicht gültig',
  'ERR_POSTERN_PENDING_NOT_FOUND.text':
    'Er ist unbekannt oder abgelaufen, oder er ist für jemand anderen oder für ein anderes Ihrer Konten bestimmt. Es wurde nichts gespeichert. Bitten Sie dort, wo Sie ihn bekommen haben, um einen neuen.',
  'ERR_POSTERN_PENDING_EXPIRED.title': 'Dieser Link ist abgelaufen',
  'ERR_POSTERN_PENDING_EXPIRED.text':
    'Es wurde nichts gespeichert. Bitten Sie dort, wo Sie ihn bekommen haben, um einen neuen.',
  'ERR_POSTERN_PENDING_SUPERSEDED.title': 'Dieser Link wurde beendet',
  'ERR_POSTERN_PENDING_SUPERSEDED.text':
    'Jemand an diesem Computer hat ihn in einem anderen Browser beendet, und es wurde nichts gespeichert. Im Programm bekommen Sie einen neuen.',
  'ERR_POSTERN_PENDING_CANCELLED.title': 'Nicht mehr nötig',
  'ERR_POSTERN_PENDING_CANCELLED.text':
    'Das wurde zurückgezogen, und es wurde nichts gespeichert. Sie können diese Seite schließen.',
  'ERR_POSTERN_PENDING_ALREADY_FINISHED.title': 'Schon erledigt',
  'ERR_POSTERN_PENDING_ALREADY_FINISHED.text':
    'Das war schon vorher abgeschlossen. Was Sie gerade geschickt haben, wurde nicht benutzt.',
  'ERR_POSTERN_OAUTH_ISSUER_MISMATCH.title': 'Nicht verbunden',
  'ERR_POSTERN_OAUTH_ISSUER_MISMATCH.text':
    'Die Antwort kam von woanders als dort, wohin Sie geleitet wurden. Es wurde nichts gespeichert.',
  'ERR_POSTERN_OAUTH_UNREACHABLE.title': 'Noch nicht verbunden',
  'ERR_POSTERN_OAUTH_UNREACHABLE.text': 'Der Dienst hat nicht geantwortet. Es wurde nichts gespeichert.',
  'ERR_POSTERN_OAUTH_REQUEST_FAILED.title': 'Noch nicht verbunden',
  'ERR_POSTERN_OAUTH_REQUEST_FAILED.text':
    'Der Dienst hat mit einem Fehler geantwortet. Es wurde nichts gespeichert.',
  'ERR_POSTERN_OAUTH_REQUEST_REFUSED.title': 'Das lässt sich nicht abschließen',
  'ERR_POSTERN_OAUTH_REQUEST_REFUSED.text':
    'Der Dienst lehnt ab, was die Anwendung von ihm verlangt, und würde es wieder ablehnen. Es wurde nichts gespeichert. Sie können das nicht ändern: Das muss tun, wer die Anwendung betreibt; der Grund steht im Protokoll.',
  'ERR_POSTERN_OAUTH_CLIENT_REJECTED.title': 'Das lässt sich nicht abschließen',
  'ERR_POSTERN_OAUTH_CLIENT_REJECTED.text':
    'Der Dienst kennt die Anwendung nicht oder lässt sie nicht fragen. Es wurde nichts gespeichert. Sie können das nicht ändern: Das muss tun, wer die Anwendung betreibt; der Grund steht im Protokoll.',
  'ERR_POSTERN_OOB_FORM_REFUSED.title': 'Formular abgelehnt',
  'ERR_POSTERN_OOB_FORM_REFUSED.text':
    'Das Formular kam nicht von dieser Seite oder nicht vollständig an. Es wurde nichts gespeichert. Öffnen Sie den Link noch einmal.',
  'ERR_POSTERN_OOB_LIMIT.title': 'Zu viele Versuche',
  'ERR_POSTERN_OOB_LIMIT.text':
    'Diesem Link wurde zu oft gefolgt. Es wurde nichts gespeichert. Wenn er abgelaufen ist, bitten Sie dort, wo Sie ihn bekommen haben, um einen neuen.',
  'ERR_POSTERN_OOB_SECRET_REJECTED.title': 'Zu oft abgelehnt',
  'ERR_POSTERN_OOB_SECRET_REJECTED.text':
    'Der Dienst hat die Eingaben zu oft abgelehnt. Es wurde nichts gespeichert. Bitten Sie dort, wo Sie diesen Link bekommen haben, um einen neuen.',
  'ERR_POSTERN_STORAGE_UNAVAILABLE.title': 'Nicht gespeichert',
  'ERR_POSTERN_STORAGE_UNAVAILABLE.text': 'Bei uns funktioniert etwas nicht. Es wurde nichts gespeichert.',
};
