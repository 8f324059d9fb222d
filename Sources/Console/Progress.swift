public enum Console {}
