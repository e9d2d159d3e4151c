// Every page: the behaviour of the nhsuk components (error summary, buttons, password).
import { initAll } from "./vendor/nhsuk-frontend/nhsuk-frontend.min.js";

initAll();
