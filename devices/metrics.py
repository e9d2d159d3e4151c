"""The one table of what can be measured: unit, codes, plausible range and title.

Units are UCUM. LOINC and SNOMED CT codes are given where one says exactly this. The range is
what a living person or a lived-in room can have: outside it a value is quarantined, with the
reason. Hard limits of the vital signs are the project's defaults, for a clinical safety officer
to sign (docs/safety).
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    QUANTITY = "quantity"
    STATE = "state"
    """1.0 while it holds, 0.0 while it does not."""
    EVENT = "event"
    """1.0 at the moment at which it happened; nothing in between."""
    ANSWER = "answer"
    """A person's own word: 1.0 yes, 0.0 no."""


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    title: str
    unit: str
    low: float
    high: float
    kind: Kind = Kind.QUANTITY
    loinc: str | None = None
    snomed: str | None = None
    decimals: int = 1

    def plausible(self, value: float) -> bool:
        return self.low <= value <= self.high


def _state(name: str, title: str) -> Metric:
    return Metric(name, title, "1", 0.0, 1.0, Kind.STATE, decimals=0)


def _event(name: str, title: str) -> Metric:
    return Metric(name, title, "1", 0.0, 1.0, Kind.EVENT, decimals=0)


def _answer(name: str, title: str, snomed: str | None = None) -> Metric:
    return Metric(name, title, "1", 0.0, 1.0, Kind.ANSWER, snomed=snomed, decimals=0)


_ROWS = (
    Metric("body_weight", "Weight", "kg", 20.0, 300.0, loinc="29463-7", snomed="27113001"),
    Metric("bmi", "Body mass index", "kg/m2", 8.0, 100.0, loinc="39156-5", snomed="60621009"),
    Metric("body_height", "Height", "cm", 50.0, 250.0, loinc="8302-2", snomed="50373000"),
    Metric(
        "systolic_pressure",
        "Systolic blood pressure",
        "mm[Hg]",
        50.0,
        300.0,
        loinc="8480-6",
        snomed="271649006",
        decimals=0,
    ),
    Metric(
        "diastolic_pressure",
        "Diastolic blood pressure",
        "mm[Hg]",
        20.0,
        200.0,
        loinc="8462-4",
        snomed="271650006",
        decimals=0,
    ),
    Metric(
        "mean_arterial_pressure",
        "Mean arterial pressure",
        "mm[Hg]",
        30.0,
        250.0,
        loinc="8478-0",
        snomed="6797001",
        decimals=0,
    ),
    Metric("cuff_pressure", "Cuff pressure", "mm[Hg]", 0.0, 300.0, decimals=0),
    Metric(
        "pulse_rate", "Pulse", "/min", 20.0, 250.0, loinc="8867-4", snomed="78564009", decimals=0
    ),
    Metric(
        "oxygen_saturation",
        "Oxygen saturation",
        "%",
        50.0,
        100.0,
        loinc="59408-5",
        snomed="431314004",
        decimals=0,
    ),
    Metric("pulse_amplitude_index", "Pulse amplitude index", "%", 0.0, 100.0, loinc="61006-3"),
    Metric(
        "body_temperature",
        "Body temperature",
        "Cel",
        25.0,
        45.0,
        loinc="8310-5",
        snomed="386725007",
    ),
    # Ranges of meters and sensors on sale, with room: a number outside is in another unit.
    Metric("blood_glucose", "Blood glucose", "mmol/L", 0.5, 55.0, loinc="15074-8"),
    Metric("blood_ketones", "Blood ketones", "mmol/L", 0.0, 20.0),
    Metric("sensor_glucose", "Sensor glucose", "mmol/L", 0.5, 55.0, loinc="105272-9"),
    Metric("sensor_glucose_trend", "Sensor glucose trend", "mmol/L/min", -2.0, 2.0, decimals=2),
    Metric("rr_interval", "Time between heartbeats", "ms", 200.0, 3000.0, decimals=0),
    Metric("energy_expended", "Energy expended", "kJ", 0.0, 65_535.0, decimals=0),
    Metric("body_fat", "Body fat", "%", 1.0, 80.0, loinc="41982-0"),
    Metric("basal_metabolism", "Basal metabolism", "kJ", 1000.0, 30_000.0, decimals=0),
    Metric("muscle_percentage", "Muscle", "%", 5.0, 90.0),
    Metric("muscle_mass", "Muscle mass", "kg", 2.0, 200.0),
    Metric("fat_free_mass", "Fat free mass", "kg", 5.0, 250.0),
    Metric("soft_lean_mass", "Soft lean mass", "kg", 5.0, 250.0),
    Metric("body_water_mass", "Body water", "kg", 5.0, 200.0),
    Metric("body_impedance", "Body impedance", "Ohm", 50.0, 5000.0, decimals=0),
    Metric("battery", "Battery", "%", 0.0, 100.0, decimals=0),
    Metric("room_temperature", "Room temperature", "Cel", -30.0, 60.0, loinc="60832-3"),
    Metric("room_humidity", "Room humidity", "%", 0.0, 100.0, decimals=0),
    Metric("level", "Level", "1", -1e9, 1e9),
    Metric(
        "respiratory_rate",
        "Breaths",
        "/min",
        3.0,
        80.0,
        loinc="9279-1",
        snomed="86290005",
        decimals=0,
    ),
    # What other sensors of a home say. Ranges are those of the units, not of a living person.
    Metric("mass", "Mass of an object", "kg", 0.0, 1000.0),
    Metric("dew_point", "Dew point", "Cel", -60.0, 60.0),
    Metric("soil_moisture", "Moisture", "%", 0.0, 100.0, decimals=0),
    Metric("air_pressure", "Air pressure", "hPa", 300.0, 1100.0),
    Metric("illuminance", "Light", "lx", 0.0, 200_000.0, decimals=0),
    Metric("light_level", "Light level", "1", 0.0, 255.0, decimals=0),
    Metric("uv_index", "UV index", "1", 0.0, 30.0),
    Metric("carbon_dioxide", "Carbon dioxide", "[ppm]", 0.0, 65_535.0, decimals=0),
    Metric("carbon_monoxide_level", "Carbon monoxide", "[ppm]", 0.0, 10_000.0, decimals=0),
    Metric(
        "volatile_organic_compounds",
        "Volatile organic compounds",
        "ug/m3",
        0.0,
        65_535.0,
        decimals=0,
    ),
    Metric("voc_index", "Volatile organic compounds index", "1", 0.0, 510.0, decimals=0),
    Metric("nox_index", "Nitrogen oxides index", "1", 0.0, 510.0, decimals=0),
    Metric("pm2_5", "Fine particles", "ug/m3", 0.0, 65_535.0, decimals=0),
    Metric("pm10", "Coarse particles", "ug/m3", 0.0, 65_535.0, decimals=0),
    Metric("power", "Power", "W", -1e6, 1e6),
    Metric("energy", "Energy used", "kW.h", 0.0, 1e7),
    Metric("voltage", "Voltage", "V", 0.0, 10_000.0),
    Metric("current", "Current", "A", -1000.0, 1000.0),
    Metric("steps", "Steps", "1", 0.0, 200_000.0, decimals=0),
    Metric("formaldehyde", "Formaldehyde", "mg/m3", 0.0, 100.0, decimals=3),
    Metric("consumable_left", "Refill left", "%", 0.0, 100.0, decimals=0),
    Metric("body_impedance_high", "Body impedance at high frequency", "Ohm", 50.0, 5000.0),
    Metric("time_seated", "Time seated", "s", 0.0, 1e7, decimals=0),
    Metric("time_unseated", "Time not seated", "s", 0.0, 1e7, decimals=0),
    Metric("time_occupied", "Time with somebody in the room", "s", 0.0, 1e7, decimals=0),
    Metric("time_unoccupied", "Time with nobody in the room", "s", 0.0, 1e7, decimals=0),
    Metric("time_since_movement", "Time since the last movement", "s", 0.0, 1e7, decimals=0),
    Metric("count", "Count", "1", -(2.0**31), 2.0**32, decimals=0),
    Metric("distance", "Distance", "m", 0.0, 10_000.0, decimals=2),
    Metric("duration", "Duration", "s", 0.0, 1e7),
    Metric("speed", "Speed", "m/s", -3000.0, 3000.0, decimals=2),
    Metric("acceleration", "Acceleration", "m/s2", -3000.0, 3000.0, decimals=2),
    Metric("angular_velocity", "Turning rate", "deg/s", -3000.0, 3000.0),
    Metric("rotational_speed", "Rotational speed", "/min", 0.0, 65_535.0, decimals=0),
    Metric("rotation", "Tilt", "deg", -3600.0, 3600.0),
    Metric("direction", "Direction", "deg", 0.0, 360.0, decimals=0),
    Metric("volume", "Volume", "L", 0.0, 1e7),
    Metric("stored_volume", "Stored volume", "L", 0.0, 1e7),
    Metric("water_used", "Water used", "L", 0.0, 1e7),
    Metric("gas_used", "Gas used", "m3", 0.0, 1e7, decimals=3),
    Metric("volume_flow_rate", "Flow", "m3/h", 0.0, 1000.0, decimals=3),
    Metric("conductivity", "Conductivity", "uS/cm", 0.0, 65_535.0, decimals=0),
    Metric("precipitation", "Rain", "mm", 0.0, 10_000.0),
    _state("movement", "Movement"),
    _state("occupancy", "Somebody in the room"),
    _state("presence", "Presence"),
    _state("moving", "Moving"),
    _state("bed_occupied", "In bed"),
    _state("seat_occupied", "Seated"),
    _state("door_open", "Door open"),
    _state("inner_door_open", "Inner door open"),
    _state("garage_door_open", "Garage door open"),
    _state("window_open", "Window open"),
    _state("opening_open", "Open"),
    _state("unlocked", "Unlocked"),
    _state("smoke", "Smoke"),
    _state("carbon_monoxide", "Carbon monoxide"),
    _state("gas", "Gas"),
    _state("water_leak", "Water leak"),
    _state("heat", "Hot"),
    _state("cold", "Cold"),
    _state("light_detected", "Light"),
    _state("sound", "Sound"),
    _state("vibration", "Vibration"),
    _state("tamper", "Tampered with"),
    _state("problem", "Problem"),
    _state("alarm", "Alarm sounding"),
    _state("armed", "Armed"),
    _state("asleep", "Asleep"),
    _state("worn", "Worn"),
    _state("door_left_open", "Door left open"),
    _state("under_test", "Under test"),
    _state("safe", "Safe"),
    _state("running", "Running"),
    _state("power_on", "Switched on"),
    _state("plugged_in", "Plugged in"),
    _state("connected", "Connected"),
    _state("on", "On"),
    _state("battery_low", "Battery low"),
    _state("battery_charging", "Battery charging"),
    _state("device_online", "Device online"),
    _state("on_oxygen", "Breathing extra oxygen"),
    _state("standing", "Standing"),
    _state("medicine_box_open", "Medicine box open"),
    _state("fridge_open", "Fridge open"),
    _state("kettle_on", "Kettle on"),
    _state("television_on", "Television on"),
    _state("bathroom_occupied", "Somebody in the bathroom"),
    # States of a person and of a home. The device of such a reading is who set it.
    _state("person.away", "Away from home"),
    _state("person.in_hospital", "In hospital"),
    _state("person.died", "Died"),
    _state("person.visitor", "Visitor at home"),
    _state("person.safeguarding", "Safeguarding concern"),
    _state("kit.gateway_offline", "Hub switched off"),
    _state("kit.device_swapped", "Device replaced"),
    Metric("kit.clock_ahead", "Clock ahead", "s", -1e10, 1e10, decimals=0),
    _event("button_pressed", "Button pressed"),
    _event("button_released", "Button released"),
    _event("lock_used", "Lock used"),
    _event("fingerprint_read", "Fingerprint read"),
    _event("movement_seen", "Movement seen"),
    _event("sensor_moved", "Sensor tilted, dropped or shaken"),
    _event("device_error", "Device error"),
    _event("dial_turned", "Dial turned"),
    _event("command_sent", "Command sent"),
    _event("sos_pressed", "SOS pressed"),
    _event("fall_detected", "Fall detected"),
    _event("fall_suspected", "Possible fall"),
    _event("fall_cancelled", "Fall cancelled by the wearer"),
    _event("irregular_pulse", "Irregular pulse seen by the cuff"),
    _event("glucose_above_range", "Glucose too high to be measured (HI)"),
    _event("glucose_below_range", "Glucose too low to be measured (LO)"),
    _answer("im_ok", "I'm OK"),
    _answer("symptom.ankles_swollen", "Ankles more swollen", "299028006"),
    _answer("symptom.breathless", "More breathless than usual", "267036007"),
    _answer("symptom.pillows", "More pillows at night"),
    _answer("symptom.chest_pain", "Chest pain", "29857009"),
    _answer("symptom.breathless_at_rest", "Breathless at rest"),
    _answer("symptom.fainted", "Fainted", "271594007"),
    _answer("symptom.feel_worse", "I feel worse"),
    _answer("symptom.not_alert", "Newly confused, or hard to wake"),
    _answer("symptom.weak_one_side", "Weakness of one side"),
    _answer("symptom.confused", "Confused"),
    _answer("symptom.sudden_headache", "Sudden severe headache"),
    _answer("symptom.sight_changed", "Sudden change of sight"),
    _answer("symptom.faint", "Faint or dizzy"),
    _answer("symptom.sputum_more", "More phlegm than usual"),
    _answer("symptom.sputum_colour", "Phlegm of another colour"),
    _answer("symptom.being_sick", "Being sick"),
    _answer("symptom.hit_head", "Hit the head"),
    _answer("symptom.blood_thinner", "Takes a blood thinner"),
)

METRICS: dict[str, Metric] = {row.name: row for row in _ROWS}
"""Every metric by its name."""
