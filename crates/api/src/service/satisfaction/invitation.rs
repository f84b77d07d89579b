//! The mail with the link to a survey: a job, tried again while the mail server cannot be reached; nothing is sent where none is set.

use farley_domain::model::entity::Entity;
use farley_domain::{
    customers::contact::Contact,
    model::{fault::Language, record::Record},
    query::predicate::Predicate,
    service::satisfaction::{
        survey::Survey,
        survey_response::{SurveyResponse, takes_answer},
    },
    values::id::Id,
};
use farley_persistence::{Change, Origin, Work};
use serde::{Deserialize, Serialize};

use super::asking::{page, token_of};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::{clock, problem::Problem},
    records::{
        area::{Halt, Job},
        lookup,
        mail::{self, Letter},
    },
};

/// The kind of the jobs that mail a link.
pub const KIND: &str = "survey_mail";

/// What a job is about. The link is made when it is sent, so that it is stored nowhere.
#[derive(Serialize, Deserialize)]
struct Invitation {
    response: Id,
}

/// Has a link mailed.
pub fn enqueue(work: &mut Work<'_>, response: Id) -> Result<(), Problem> {
    let payload = serde_json::to_value(Invitation { response })?;
    work.enqueue_once(KIND, &response.to_string(), &payload, work.origin.now, mail::ATTEMPTS)?;
    Ok(())
}

/// Mails a link, unless there is no need any more; notes that it was sent.
pub async fn perform(job: Job) -> Result<(), Halt> {
    if job.state.settings.smtp_url.is_none() {
        return Ok(());
    }
    let Invitation { response } = serde_json::from_str(&job.payload).map_err(|error| Halt::Failed(error.to_string()))?;
    let now = clock::now();
    let prepared = job.state.background.write::<_, Problem>(job.tenant, Origin::system(now), move |work| {
        let Some(found) = lookup::one::<SurveyResponse>(work, response)? else { return Ok(None) };
        let is_done = !found.is_null(SurveyResponse::mailed_at) || !found.is_null(SurveyResponse::answered_at);
        if is_done || takes_answer(&found, now).is_err() {
            return Ok(None);
        }
        letter_of(work, &found)
    });
    let Some((to, letter)) = prepared.await? else { return Ok(()) };
    mail::send_to(&job.state.settings, &to, letter, job.lease.job).await.map_err(Halt::Failed)?;
    let noted = job.state.background.write::<_, Problem>(job.tenant, Origin::system(clock::now()), move |work| {
        let schema = without_custom_fields(SurveyResponse::object());
        let Some(loaded) = work.load(&schema, &Unrestricted, response, &Predicate::all())? else { return Ok(()) };
        let mut mailed = loaded.record.of::<SurveyResponse>().clone();
        if mailed.is_null(SurveyResponse::mailed_at) {
            mailed.set(SurveyResponse::mailed_at, work.origin.now);
            work.update(&schema, &loaded, mailed.any_mut(), &Change::new("mailed"))?;
        }
        Ok(())
    });
    // Sent it is, whatever becomes of the note: to send it again would be worse.
    if let Err(problem) = noted.await {
        tracing::warn!(reason = crate::http::problem::describe(&problem), "that a survey was mailed could not be noted");
    }
    Ok(())
}

/// The name and the address of whoever a letter goes to.
type Recipient = (String, String);

/// To whom a link goes, and in which words; none, if the contact has no address or the survey no page.
fn letter_of(work: &mut Work<'_>, response: &Record<SurveyResponse>) -> Result<Option<(Recipient, Letter)>, Problem> {
    let (Some(survey), Some(contact)) = (response.get(SurveyResponse::survey_id), response.get(SurveyResponse::contact_id))
    else {
        return Ok(None);
    };
    let (Some(survey), Some(contact)) = (lookup::one::<Survey>(work, survey)?, lookup::one::<Contact>(work, contact)?) else {
        return Ok(None);
    };
    let emails = contact.get(Contact::emails);
    let address = emails.iter().find(|point| point.primary).or(emails.first()).map(|point| point.value.clone());
    let Some(address) = address.filter(|_| !contact.is_archived()) else { return Ok(None) };
    let company = work.reader().own_tenant()?.map(|tenant| tenant.name).unwrap_or_default();
    let token = token_of(work, response)?;
    let Some(link) = page(&survey, &token) else { return Ok(None) };
    let language = response.get(SurveyResponse::language);
    let question = survey.get(Survey::question).unwrap_or_default();
    let question = question.in_language(language).to_owned();
    let reads = language.map_or(Language::English, Language::from_accept);
    let name = contact.get(Contact::name).to_owned();
    let letter = letter(&name, &company, (&question, &link), survey.get(Survey::valid_days), reads);
    Ok(Some(((name, address), letter)))
}

fn letter(name: &str, company: &str, (question, link): (&str, &str), days: i64, language: Language) -> Letter {
    match language {
        Language::English => Letter {
            subject: format!("{company}: {question}"),
            text: format!(
                "Hello {name},\n\n{question}\n\nPlease answer here within {days} days; it takes less than a minute:\n\n{link}\n\n\
                 Thank you,\n{company}\n"
            ),
        },
        Language::Chinese => Letter {
            subject: format!("{company}：{question}"),
            text: format!(
                "{name}，您好：\n\n{question}\n\n请在 {days} 天内打开以下链接作答，不到一分钟即可完成：\n\n{link}\n\n谢谢！\n{company}\n"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_hold_question_and_link_in_both_languages() {
        let link = "https://help.example.cn/rate?token=x";
        for (language, greeting) in [(Language::English, "Hello Anna"), (Language::Chinese, "Anna，您好")] {
            let letter = letter("Anna", "Acme", ("Satisfied?", link), 14, language);
            assert!(letter.subject.contains("Acme") && letter.subject.contains("Satisfied?"));
            assert!(letter.text.contains(greeting) && letter.text.lines().any(|line| line == link), "{}", letter.text);
        }
    }
}
