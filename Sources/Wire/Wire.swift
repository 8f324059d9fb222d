import CMessages
