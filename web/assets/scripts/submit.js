// The form_post response mode: the page's only form goes to the client at once; without script there is a button.
document.querySelector("form").submit();
