/**
 * Every word that our pages say, by what says it. What stands in braces is filled in.
 *
 * Fixed text: nothing that came with a request or from another server is repeated.
 */
export const english = {
  /** As in the `lang` of HTML; a person whose browser asks for it gets these words. */
  language: 'en',

  'action.back': 'Go back',
  'action.continue': 'Continue',
  'action.continueHere': 'Continue in this browser',
  'action.copyCode': 'Copy the code',
  'action.decline': 'Decline',
  'action.disconnect': 'Disconnect',
  'action.endLink': 'End this link',
  'action.done': 'I have done it',
  'action.getCode': 'Get a code',
  'action.goOn': 'Go on to {host}',
  'action.hide': 'Hide',
  'action.inbox': 'All that waits for you',
  'action.lookNow': 'Look now',
  'action.open': 'Open {host}',
  'action.openForm': 'Open the form',
  'action.paste': 'Finish with it',
  'action.reconnect': 'Connect again',
  'action.rename': 'Save the name',
  'action.retry': 'Try again',
  'action.save': 'Save',
  'action.show': 'Show',
  'action.signIn': 'Sign in',
  'action.signOut': 'Sign out',
  'action.support': 'Get help',

  'facts.asks': 'Asked by',
  'facts.thisProgram': 'a program on this computer',
  'facts.for': 'For',
  'facts.thisMachine': 'whoever uses this computer',
  'facts.access': 'Access to',
  'facts.account': '{resource} ({account})',
  'facts.reason': 'Reason',
  'facts.scopes': 'Asked for',
  'facts.goesTo': 'Leads to',
  'facts.ends': 'Link ends',
  'facts.endsAt': '{time}, {left}',

  'consent.title': 'Connect your account',
  'consent.message': 'Connect your account at {resource}',
  'consent.signIn': 'Sign in to {server}',
  'consent.signInAs': 'Sign in to {server} ({account})',
  'consent.redirect':
    'Your account at {resource} is asked for. You will be sent to {host} to consent. Go on only if you have just asked for this yourself.',
  'consent.byCode':
    'Your account at {resource} is asked for. You consent at {host}, with a short code. Go on only if you have just asked for this yourself.',
  'consent.kept':
    'What {host} then lets it do is kept by {name}. The assistant never sees your password there.',
  'consent.codeFailed': 'The way by a code did not work. Nothing was saved. Try it again.',
  'consent.codeFailedOr':
    'The way by a code did not work. Nothing was saved. Try it again, or press Continue.',
  'consent.otherDevice': 'Use another device',
  'consent.otherDeviceText': 'You get a short code, and enter it at the service from any device.',
  'consent.noReturn': 'My browser cannot come back here',
  'consent.noReturnText':
    'Press Continue and consent. If your browser then shows an error, copy the whole address it shows, come back to this page, and paste it here. Paste it nowhere else.',
  'consent.pastedAddress': 'The address it shows',

  'paste.unreadable':
    'That is not the whole address. Copy all of it from your browser: it has “state=” in it, and “code=”.',
  'paste.too early':
    'That is the address of the page where you sign in. Consent there first; then copy the address that your browser goes to.',
  'paste.foreign':
    'That address belongs to another sign-in, or to an older link. Press Continue here, and paste what comes of that.',
  'paste.of another browser':
    'You were sent out from another browser. Paste the address there, or press Continue here and start again.',
  'paste.used':
    'That address was used before, and nothing came of it. Press Continue, and paste what comes of that.',

  'code.title': 'Enter this code',
  'code.message': 'Sign in to {resource} with a code',
  'code.text':
    '{resource} asks for it. Go on only if you have just asked for this yourself, and enter the code nowhere else.',
  'code.label': 'Your code',
  'code.copied': 'Copied',
  'code.notices': 'This page notices when you are done.',

  'form.title': 'Access data',
  'form.titleNotSaved': 'Not saved – {title}',
  'form.message': 'Enter the access data for {resource}',
  'form.kept':
    'What you enter goes to {name} for {resource}, and is kept encrypted. It never passes the assistant or the chat.',
  'form.optional': '(optional)',
  'form.late': 'The service did not answer within {seconds} s. Nothing was kept. Try again.',
  'form.untried': 'It could not be tried just now, and was not kept. Try again in a moment.',
  'form.rejected': 'The service refused this. Check what you entered.',
  'form.exposedTitle': 'Not saved',
  'form.exposedText':
    'What was entered came in the address of the page, where others may read it. Change it at its service, then enter the new one here.',

  'field.needed': 'This is needed.',
  'field.oneLine': 'One line only.',
  'field.controls': 'A character that nobody can type is in it. Copy it anew.',
  'field.header': 'Only letters, digits and signs of Western European languages.',
  'field.choose': 'Choose one of the list.',
  'field.minLength': 'At least {limit} characters.',
  'field.maxLength': 'At most {limit} characters.',
  'field.integer': 'A whole number.',
  'field.number': 'A number.',
  'field.minimum': 'At least {limit}.',
  'field.maximum': 'At most {limit}.',

  'elicitation.title': '{server} asks you to do something',
  'elicitation.text':
    'It has a page of its own for that. Look at the whole address before you open it: what is said there, and about it, is {server}’s word, not ours. Come back here when you are done.',
  'elicitation.says': '{server} says: “{message}”',

  'end.signedIn': 'You are signed in',
  'end.done': 'Done',
  'end.text': 'You can close this page and go back.',
  'end.usedTitle': 'Already done',
  'end.usedText': 'This was already finished. You can close this page.',

  'inbox.title': 'Your connections',
  'inbox.text': 'What {name} asks of you, and what it may use on your behalf.',
  'inbox.waiting': 'Waiting for you',
  'inbox.nothingWaits': 'Nothing at the moment.',
  'inbox.connected': 'Connected',
  'inbox.nothingConnected': 'Nothing yet.',
  'inbox.as': 'as {account}',
  'inbox.since': 'since {time}',
  'inbox.over': 'It does not work any more. Connect it again.',
  'inbox.expiring': 'You will be asked for it again soon.',
  'inbox.change': 'Change {what}',
  'inbox.label': 'Your own name for it',
  'inbox.renamed': 'Its name is saved.',
  'inbox.disconnected': '{what} is disconnected.',
  'inbox.disconnectedHere':
    '{what} is disconnected here. Its service has not confirmed that: to be sure, remove the access there, too.',
  'inbox.gone': 'That was not connected any more.',
  'inbox.works': 'It works: there is nothing for you to do.',
  'inbox.notAgain':
    'That cannot be connected again from here. Use it where you work with it, and it will ask you.',

  'signIn.againTitle': 'Sign in first',
  'signIn.againText':
    'You are not signed in, or not any more. What you sent just now was not used. Sign in, then send it again.',

  'signOut.title': 'Sign out',
  'signOut.text': 'You are signed in at this browser.',
  'signOut.textAs': 'You are signed in as {account}.',
  'signOut.doneTitle': 'You are signed out',
  'signOut.doneText': 'You can close this page.',

  'departure.title': 'One moment',
  'departure.text': 'You are being sent to {host}.',

  'elsewhere.title': 'This is finishing elsewhere',
  'elsewhere.text':
    'The program that asked for this is not the one that answers here. Wait a moment, then open the link again.',

  'owned.title': 'Another browser',
  'owned.text':
    'This link belongs to the browser that opened it first. Go on there. If that is not your browser, or you want to go on in this one, end the link: the program gives you a new one where you got this one, and what was begun in the other browser is not saved.',
  'owned.opened': 'First opened',
  'owned.endedTitle': 'The link is ended',
  'owned.endedText':
    'Go back to the program: it has a new link for you, or gives you one when you ask it again.',

  'missing.title': 'Nothing here',
  'missing.text': 'There is no page at this address.',

  'broken.title': 'That did not work',
  'broken.text': 'Something on our side is broken. Nothing was saved.',

  'failure.title': 'That did not work',
  'failure.text': 'Nothing was saved.',
  'failure.introducedAnew.title': 'Not connected yet',
  'failure.introducedAnew.text':
    'The service did not accept the application as it introduced itself. Nothing was saved. Try again: it will introduce itself anew.',
  'ERR_POSTERN_AUTH_STATE_UNKNOWN.title': 'This link is not valid',
  'ERR_POSTERN_AUTH_STATE_UNKNOWN.text':
    'It is unknown, it has expired, or it was made for somebody else, or for another of your accounts. Nothing was saved. Ask for a new one where you got it.',
  'ERR_POSTERN_AUTH_STATE_USED.title': 'Already used',
  'ERR_POSTERN_AUTH_STATE_USED.text': 'This answer was already used, and nothing came of it. Try again.',
  'ERR_POSTERN_AUTH_CALLBACK_INVALID.title': 'This answer cannot be read',
  'ERR_POSTERN_AUTH_CALLBACK_INVALID.text': 'Nothing was saved. Try again.',
  'ERR_POSTERN_AUTH_BROWSER_MISMATCH.title': 'Another browser',
  'ERR_POSTERN_AUTH_BROWSER_MISMATCH.text':
    'This was started in another browser. Go on there, or open the link again here.',
  'ERR_POSTERN_AUTH_WRONG_USER.title': 'Another account',
  'ERR_POSTERN_AUTH_WRONG_USER.text':
    'You consented with another account than the one that was asked for, or than before. Nothing was saved.',
  'ERR_POSTERN_AUTH_UNVERIFIED.title': 'Not just now',
  'ERR_POSTERN_AUTH_UNVERIFIED.text':
    'It could not be found out who you are. Nothing was saved. Try again in a moment.',
  'ERR_POSTERN_AUTH_REQUIRED.title': 'Sign in first',
  'ERR_POSTERN_AUTH_REQUIRED.text':
    'Sign in to the application that gave you this link, then open the link again.',
  'ERR_POSTERN_AUTH_DENIED.title': 'Declined',
  'ERR_POSTERN_AUTH_DENIED.text': 'You declined, and nothing was saved. You can close this page.',
  'ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION.title': 'Not allowed by your organisation',
  'ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION.text':
    'Your organisation does not let you use this with your account there. Nothing was saved, and trying again will not help. Ask its administrator to allow it, then ask for a new link where you got this one.',
  'ERR_POSTERN_PENDING_NOT_FOUND.title': 'This link is not valid',
  'ERR_POSTERN_PENDING_NOT_FOUND.text':
    'It is unknown, it has expired, or it was made for somebody else, or for another of your accounts. Nothing was saved. Ask for a new one where you got it.',
  'ERR_POSTERN_PENDING_EXPIRED.title': 'This link has expired',
  'ERR_POSTERN_PENDING_EXPIRED.text': 'Nothing was saved. Ask for a new one where you got it.',
  'ERR_POSTERN_PENDING_SUPERSEDED.title': 'This link was ended',
  'ERR_POSTERN_PENDING_SUPERSEDED.text':
    'Somebody at this computer ended it in another browser, and nothing was saved. Go back to the program for a new one.',
  'ERR_POSTERN_PENDING_CANCELLED.title': 'No longer needed',
  'ERR_POSTERN_PENDING_CANCELLED.text': 'This was withdrawn, and nothing was saved. You can close this page.',
  'ERR_POSTERN_PENDING_ALREADY_FINISHED.title': 'Already done',
  'ERR_POSTERN_PENDING_ALREADY_FINISHED.text':
    'This had been finished before. What you sent just now was not used.',
  'ERR_POSTERN_OAUTH_ISSUER_MISMATCH.title': 'Not connected',
  'ERR_POSTERN_OAUTH_ISSUER_MISMATCH.text':
    'The answer came from somewhere else than you were sent to. Nothing was saved.',
  'ERR_POSTERN_OAUTH_UNREACHABLE.title': 'Not connected yet',
  'ERR_POSTERN_OAUTH_UNREACHABLE.text': 'The service did not answer. Nothing was saved.',
  'ERR_POSTERN_OAUTH_REQUEST_FAILED.title': 'Not connected yet',
  'ERR_POSTERN_OAUTH_REQUEST_FAILED.text': 'The service answered with an error. Nothing was saved.',
  'ERR_POSTERN_OAUTH_REQUEST_REFUSED.title': 'This cannot be finished',
  'ERR_POSTERN_OAUTH_REQUEST_REFUSED.text':
    'The service refuses what the application asks of it, and would refuse it again. Nothing was saved. You cannot change that: whoever runs the application has to, and finds the reason in its log.',
  'ERR_POSTERN_OAUTH_CLIENT_REJECTED.title': 'This cannot be finished',
  'ERR_POSTERN_OAUTH_CLIENT_REJECTED.text':
    'The service does not know the application, or does not let it ask. Nothing was saved. You cannot change that: whoever runs the application has to, and finds the reason in its log.',
  'ERR_POSTERN_OOB_FORM_REFUSED.title': 'Form refused',
  'ERR_POSTERN_OOB_FORM_REFUSED.text':
    'The form was not sent from this page, or not whole. Nothing was saved. Open the link again.',
  'ERR_POSTERN_OOB_LIMIT.title': 'Too many tries',
  'ERR_POSTERN_OOB_LIMIT.text':
    'This link was followed too many times. Nothing was saved. When it has expired, ask for a new one where you got it.',
  'ERR_POSTERN_OOB_SECRET_REJECTED.title': 'Refused too often',
  'ERR_POSTERN_OOB_SECRET_REJECTED.text':
    'The service refused what was entered too many times. Nothing was saved. Ask for a new link where you got this one.',
  'ERR_POSTERN_STORAGE_UNAVAILABLE.title': 'Not saved',
  'ERR_POSTERN_STORAGE_UNAVAILABLE.text': 'Something on our side is not working. Nothing was saved.',
} as const;
