"""The stations as rows and configuration: adding, showing, editing and checking one, and the files for its computer."""
