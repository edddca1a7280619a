"""Words that synthetic names, employers, titles and addresses are put together from; none is a borrower's."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


SURNAMES = _words(
    "Adams|Allen|Anderson|Baker|Brown|Campbell|Carter|Clark|Collins|Cook|Davis|Edwards|Evans|Flores|"
    "Garcia|Gonzalez|Green|Hall|Harris|Hernandez|Hill|Jackson|Johnson|Jones|King|Lee|Lewis|Lopez|Martin|"
    "Martinez|Miller|Mitchell|Moore|Morris|Murphy|Nelson|Nguyen|Parker|Perez|Phillips|Ramirez|Rivera|"
    "Roberts|Robinson|Rodriguez|Sanchez|Scott|Smith|Stewart|Taylor|Thomas|Thompson|Torres|Turner|Walker|"
    "White|Williams|Wilson|Wright|Young"
)

FIRST_NAMES = _words(
    "Amanda|Amy|Andrew|Angela|Anthony|Ashley|Brian|Christine|Christopher|Crystal|Daniel|David|"
    "Elizabeth|Eric|Erin|Heather|James|Jason|Jennifer|Jessica|John|Joshua|Kevin|Kimberly|Laura|Lisa|Mark|"
    "Matthew|Megan|Melissa|Michael|Michelle|Nicole|Rachel|Rebecca|Robert|Ryan|Sarah|"
    "Scott|Stephanie|Steven|Thomas|Tiffany"
)

STREETS = _words(
    "Avenue|Circle|Court|Cove|Crossing|Drive|Fall|Ford|Fort|Gateway|Harbors|Junction|Lane|Mall|Meadows|"
    "Orchard|Parkway|Plaza|Point|Ridge|Road|Springs|Station|Street|Summit|Terrace|Trail|Valley|Village|"
    "Way"
)

CITY_ENDINGS = _words(
    "berg|borough|burgh|bury|chester|fort|furt|haven|land|mouth|port|shire|side|stad|ton|town|view|ville"
)

ROLES = _words(
    "Accountant|Administrative Assistant|Analyst|Attorney|Bartender|Bookkeeper|Branch Manager|Bus Driver|"
    "Business Analyst|Buyer|Carpenter|Cashier|Chef|Clerk|Consultant|Controller|Cook|Correctional Officer|"
    "Custodian|Customer Service|Dental Assistant|Designer|Dispatcher|Electrician|Executive Assistant|"
    "Field Technician|Financial Analyst|Firefighter|Flight Attendant|Foreman|Graphic Designer|HR Manager|"
    "IT Manager|Inspector|Instructor|Investigator|Laborer|Legal Assistant|Librarian|Machine Operator|"
    "Machinist|Maintenance|Marketing Manager|Mechanic|Medical Assistant|Nurse|Operations Manager|"
    "Operator|Paralegal|Paramedic|Pharmacist|Physical Therapist|Pilot|Police Officer|President|Principal|"
    "Producer|Professor|Program Manager|Property Manager|Receptionist|Sales Associate|Sales Manager|"
    "Scientist|Secretary|Security Officer|Server|Social Worker|Software Engineer|Store Manager|"
    "Technician|Teller|Therapist|Truck Driver|Underwriter|Vice President|Warehouse Manager|Web Developer|"
    "Welder|Writer"
)

RANKS = _words(
    "Area|Assistant|Associate|Certified|Chief|Clinical|Contract|Corporate|Deputy|District|Executive|"
    "Field|General|Head|Interim|Junior|Lead|Licensed|Master|National|Night|Part Time|Plant|Principal|"
    "Regional|Senior|Shift|Site|Staff|Technical"
)

DEPARTMENTS = _words(
    "Accounts|Admissions|Audit|Billing|Care|Claims|Compliance|Data|Design|Engineering|Facilities|Finance|"
    "HR|IT|Legal|Lending|Logistics|Marketing|Media|Network|Operations|Payroll|Planning|Procurement|"
    "Production|Quality|Receiving|Rehab|Research|Retail|Risk|Safety|Sales|Security|Services|Shipping|"
    "Support|Systems|Training|Transport"
)

COMPANY_FORMS = _words(
    "Associates|Bank|Company|Construction|Consulting|Corp|Group|Hospital|Inc|Inc.|Industries|Insurance|"
    "LLC|Logistics|Medical Center|Partners|Realty|Schools|Services|University"
)

TITLE_STARTS = _words("My|The|Our|Pay off|New|Quick|2012|Getting|Final|Help with|Low rate")

TITLE_ENDS = _words("loan||plan|payoff|fund|refi|help|2013|fresh start|expenses|bills|freedom|now")
